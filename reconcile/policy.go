package reconcile

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"trueup/facts"
)

// Policy is policy.yaml, compiled. Use [ParsePolicy] to make one; the rules are chosen by the methods in rules.go.
//
// The help tags of the policy's types are what [PolicySchema] says of each key.
type Policy struct {
	Version     int               `yaml:"version" help:"version of the format"`
	Mode        Mode              `yaml:"mode" help:"observe plans and reports only, act may change something; observe if not given"`
	Eligibility []EligibilityRule `yaml:"eligibility" help:"who should hold a product; only the rules of the most specific scope that has any count"`
	Reclaim     []ReclaimRule     `yaml:"reclaim" help:"when a seat counts as unused and what then happens; the most specific rule whose when holds decides"`
	Exempt      []Exemption       `yaml:"exempt" help:"seats that are shielded from verdicts, why, by whose word and until when"`
	Leaver      LeaverRule        `yaml:"leaver" help:"what happens to the seats of people who have left"`
	Expired     ExpiredRule       `yaml:"expired" help:"what happens to seats whose contract has ended"`
	Approval    ApprovalRule      `yaml:"approval" help:"which verdicts are acted on unattended and who approves the others"`
	Buffers     map[string]Buffer `yaml:"buffers" help:"seats that should be spare, by product, family or \"*\""`
	Guards      GuardLimits       `yaml:"guards" help:"limits beyond which all actions of a scope are withheld; one that is not given is not checked"`
	Future      Days              `yaml:"future" help:"how long before the first day people may be missing a seat; not before if not given"`
	SHA256      facts.Digest      `yaml:"-"`

	catalogue   *Catalogue
	eligibility ranking
	reclaim     ranking
	exempt      ranking
}

// Mode says whether a run may act.
type Mode string

// The modes of a policy.
const (
	Observe Mode = "observe" // plan and report only
	Act     Mode = "act"
)

// UnmarshalText reads the mode's word.
func (m *Mode) UnmarshalText(b []byte) error {
	known := []string{string(Observe), string(Act)}
	if !slices.Contains(known, string(b)) {
		return &hinted{fmt.Sprintf("%q is no mode", b), didYouMean(string(b), known)}
	}
	*m = Mode(b)
	return nil
}

// EligibilityRule says who should hold a product. Product is an id, a family or "*"; where rules of different
// specificity name a product, only the most specific count, and of these any one is enough.
type EligibilityRule struct {
	Name    string      `yaml:"-"` // "eligibility[0]"
	Product string      `yaml:"product" help:"a product, a family, or \"*\" for all"`
	When    *Expression `yaml:"when" help:"CEL expression; always if not given"` // nil: always
}

// ReclaimRule says when a seat of a product counts as unused and what then happens. Product is an id, a family or "*";
// the most specific rule whose When holds wins, of equally specific ones the first.
type ReclaimRule struct {
	Name           string      `yaml:"-"` // "reclaim[0]"
	Product        string      `yaml:"product" help:"a product, a family, or \"*\" for all"`
	When           *Expression `yaml:"when" help:"CEL expression; always if not given"` // nil: always
	IdleAfter      Days        `yaml:"idle_after" help:"a seat without use for longer is idle"`
	NeverUsedAfter Days        `yaml:"never_used_after" help:"a seat may be this old without any use; the product's activation window if that is longer"` // 0: the window alone
	Notice         Days        `yaml:"notice" help:"how long the holder is told before anything happens; none if not given"`
	Timing         Timing      `yaml:"timing" help:"asap, or before-notice to leave seats that save nothing earlier and that nobody waits for until shortly before the contract's next notice date; asap if not given"`
	Lead           Days        `yaml:"lead" help:"with timing before-notice, how long before the notice date; 30d if not given"`
	Action         ActionKind  `yaml:"action" help:"what happens to an unused seat"` // see [ReclaimActions]
	To             string      `yaml:"to" help:"the product to downgrade to: a lower tier of the family, or one that is covered"`
}

// Timing says when an unused seat is taken back.
type Timing string

// The timings.
const (
	ASAP         Timing = "asap"          // once the notice is over
	BeforeNotice Timing = "before-notice" // shortly before the next notice date, if that costs nothing
)

// UnmarshalText reads the timing's word.
func (t *Timing) UnmarshalText(b []byte) error {
	known := []string{string(ASAP), string(BeforeNotice)}
	if !slices.Contains(known, string(b)) {
		return &hinted{fmt.Sprintf("%q is no timing", b), didYouMean(string(b), known)}
	}
	*t = Timing(b)
	return nil
}

// DefaultLead is how long before a notice date unused seats are taken back if the rule does not say.
const DefaultLead = Days(30)

// Exemption shields seats from the verdicts it names.
type Exemption struct {
	Name      string      `yaml:"name" help:"what rows call it; exempt[0], counted from 0, if not given"`
	Product   string      `yaml:"product" help:"a product, a family, or \"*\" for all; all if not given"` // "" or "*": any
	When      *Expression `yaml:"when" help:"CEL expression; always if not given"`                        // nil: always
	Reason    string      `yaml:"reason" help:"why, for those who read the report"`
	Author    string      `yaml:"author" help:"who answers for it"`
	Until     facts.Day   `yaml:"until" help:"the last day on which it holds"`
	From      []Verdict   `yaml:"from" help:"the verdicts that it shields from; idle, never-used, over-tier, not-entitled, duplicate and expired if not given"` // see [DefaultExemptFrom]; with LegalHold Leaver is among them
	LegalHold bool        `yaml:"legal_hold" help:"the law requires to keep it: the only exemption that shields leavers"`
}

// DefaultExemptFrom lists the verdicts that an exemption shields if it does not say.
func DefaultExemptFrom() []Verdict {
	return []Verdict{Idle, NeverUsed, OverTier, NotEntitled, Duplicate, Expired}
}

// LeaverRule says what happens to the seats of people who have left.
type LeaverRule struct {
	Grace  time.Duration `yaml:"grace" help:"how long after the end of the last day; 24h if not given"`
	Action ActionKind    `yaml:"action" help:"revoke if not given"` // see [LeaverActions]
}

// DefaultLeaverGrace is how long leavers keep their seats if the policy does not say.
const DefaultLeaverGrace = 24 * time.Hour

// ExpiredRule says what happens to seats whose contract has ended: Review unless the policy says Revoke.
type ExpiredRule struct {
	Action ActionKind `yaml:"action" help:"review if not given"` // see [ExpiredActions]
}

// ApprovalRule says which verdicts are acted on unattended and who approves the others.
type ApprovalRule struct {
	Unattended []Verdict          `yaml:"unattended" help:"verdicts carried out without a person"`
	Roles      map[Verdict]string `yaml:"roles" help:"who approves the others, by verdict"`
	TrustCLI   bool               `yaml:"trust_cli" help:"accept approvals by --by NAME on the command line"`
}

// Buffer is how many seats should be spare: a number, or a percentage of what is purchased.
type Buffer struct {
	Spare   int64
	Percent float64
}

// GuardLimits are the limits of policy.yaml's guards section; a zero limit is not checked. Percentages are 5 for 5 %.
type GuardLimits struct {
	Run               int           // people losing access in one run
	RunPercent        float64       // of people with a seat
	Days7, Days30     int           // people losing access in rolling windows
	ProductPercent    float64       // of a product's seats
	DepartmentPercent float64       // of a department's seats
	VerdictPercent    float64       // of all seats, by verdict
	ShrinkPercent     float64       // rows of a feed against its last good run; 10 if not given
	GrowthPercent     float64       // likewise
	RejectedPercent   float64       // of a feed's rows
	MatchRate         float64       // 0 to 1: at least this share of a feed's accounts matches
	WatermarkAge      time.Duration // of a log's newest event
	Canary            int           // accesses that are taken first and read back before the rest
}

// guardKeys are the keys of the section, in which the limits of what a run does stand under actions.
type guardKeys struct {
	Actions struct {
		Run               *int     `yaml:"run" help:"people losing access in one run"`
		RunPercent        *float64 `yaml:"run_percent" help:"of the people with a seat, in one run"`
		Days7             *int     `yaml:"days_7" help:"people losing access in any seven days"`
		Days30            *int     `yaml:"days_30" help:"people losing access in any thirty days"`
		ProductPercent    *float64 `yaml:"product_percent" help:"of the seats of one product"`
		DepartmentPercent *float64 `yaml:"department_percent" help:"of the seats of one department"`
		VerdictPercent    *float64 `yaml:"verdict_percent" help:"of all seats, by one verdict"`
	} `yaml:"actions" help:"how many people may lose access"`
	ShrinkPercent   *float64       `yaml:"shrink_percent" help:"how much smaller a feed may be than in its last good runs; 10 if not given"`
	GrowthPercent   *float64       `yaml:"growth_percent" help:"how much larger a feed may be than in its last good runs"`
	RejectedPercent *float64       `yaml:"rejected_percent" help:"of a feed's records that may be refused"`
	MatchRate       *float64       `yaml:"match_rate" help:"share of a feed's accounts that must match a person, 0 to 1"`
	WatermarkAge    *time.Duration `yaml:"watermark_age" help:"how old the newest event of a log may be"`
	Canary          *int           `yaml:"canary" help:"accesses that are taken first and read back before the rest"`
}

// keys are the section's keys, each with where its value belongs.
func (g *GuardLimits) keys() any {
	k := &guardKeys{ShrinkPercent: &g.ShrinkPercent, GrowthPercent: &g.GrowthPercent, RejectedPercent: &g.RejectedPercent,
		MatchRate: &g.MatchRate, WatermarkAge: &g.WatermarkAge, Canary: &g.Canary}
	a := &k.Actions
	a.Run, a.RunPercent, a.Days7, a.Days30 = &g.Run, &g.RunPercent, &g.Days7, &g.Days30
	a.ProductPercent, a.DepartmentPercent, a.VerdictPercent = &g.ProductPercent, &g.DepartmentPercent, &g.VerdictPercent
	return k
}

// UnmarshalYAML reads the section.
func (g *GuardLimits) UnmarshalYAML(unmarshal func(any) error) error { return unmarshal(g.keys()) }

// DefaultShrinkPercent is how much smaller a feed may be than in its last good run if the policy does not say.
const DefaultShrinkPercent = 10

// Options are what a decision depends on besides snapshot, catalogue and policy.
type Options struct {
	Identity Identity
	Closures []Closure // days on which the organisation does not work: a silent log is then no gap
	Build    string
	Config   facts.Digest
	Raised   []Raise
}

// Closure is an interval of days, inclusive.
type Closure struct{ From, To facts.Day }

// Raise lets one guard pass for one run.
type Raise struct{ Guard, Scope, By string }

// ParsePolicy reads policy.yaml against a catalogue; name is the file's name in errors. The error is [Faults], with
// everything that is wrong. The format is described in docs/formats/policy.md.
func ParsePolicy(name string, data []byte, c *Catalogue) (*Policy, error) {
	p := &Policy{SHA256: sha256.Sum256(data), Mode: Observe, catalogue: c,
		Leaver:  LeaverRule{Grace: DefaultLeaverGrace, Action: Revoke},
		Expired: ExpiredRule{Action: Review},
		Guards:  GuardLimits{ShrinkPercent: DefaultShrinkPercent}}
	doc, _ := DecodeStrict(name, data, p)
	check := policyCheck{p, c, doc}
	check.version()
	check.rules()
	check.exemptions()
	check.buffers()
	check.guards()
	if err := doc.Err(); err != nil {
		return nil, err
	}
	p.rank()
	return p, nil
}

// ReclaimActions lists what a reclaim rule may call for.
func ReclaimActions() []ActionKind { return []ActionKind{Revoke, Downgrade, Review, Keep} }

// LeaverActions lists what may happen to the seats of leavers.
func LeaverActions() []ActionKind { return []ActionKind{Revoke, Review, Keep} }

// ExpiredActions lists what may happen to seats whose contract has ended.
func ExpiredActions() []ActionKind { return []ActionKind{Review, Revoke, Keep} }

// Check reports an action that leavers cannot have.
func (r *LeaverRule) Check(report Report) { checkAction(report, r.Action, LeaverActions()) }

// Check reports an action that expired seats cannot have.
func (r *ExpiredRule) Check(report Report) { checkAction(report, r.Action, ExpiredActions()) }

func checkAction(report Report, got ActionKind, allowed []ActionKind) {
	if slices.Contains(allowed, got) {
		return
	}
	words := make([]string, len(allowed))
	for n, k := range allowed {
		words[n] = k.String()
	}
	report("action", fmt.Sprintf("cannot be %s here", got), "use "+strings.Join(words, ", "))
}

// Check reports verdicts that nobody could act on, and verdicts that are both approved and not.
func (r *ApprovalRule) Check(report Report) {
	for n, v := range r.Unattended {
		key := fmt.Sprintf("unattended[%d]", n)
		switch {
		case !v.acts():
			report(key, fmt.Sprintf("%s calls for nothing that could be done unattended", v), "remove it")
		case slices.Contains(r.Unattended[:n], v):
			report(key, fmt.Sprintf("%s stands twice", v), "")
		case r.Roles[v] != "":
			report(key, fmt.Sprintf("%s is also approved by %q", v, r.Roles[v]), "keep it in one of unattended and roles")
		}
	}
	for _, v := range Verdicts() {
		if role, given := r.Roles[v]; given && strings.TrimSpace(role) == "" {
			report("roles."+v.String(), "is empty", "name the role that approves")
		}
	}
}

// acts reports whether the verdict can call for a change at a vendor.
func (v Verdict) acts() bool {
	switch v {
	case Leaver, Expired, NotEntitled, Duplicate, OverTier, UnderTier, NeverUsed, Idle, Missing:
		return true
	}
	return false
}

// ofSeat reports whether the verdict is one that an exemption can shield a seat from.
func (v Verdict) ofSeat() bool {
	switch v {
	case Protected, InUse, New, Unknown, Missing, UnlicensedUse:
		return false
	}
	return true
}

// bufferKeys are the keys of a buffer.
type bufferKeys struct {
	Spare spare `yaml:"spare" help:"a number of seats, or a percentage of what is purchased"`
}

// UnmarshalYAML reads {spare: 5} or {spare: 2%}.
func (b *Buffer) UnmarshalYAML(unmarshal func(any) error) error {
	var keys bufferKeys
	keys.Spare.Spare = -1
	if err := unmarshal(&keys); err != nil {
		return err
	}
	if keys.Spare.Spare < 0 {
		return &hinted{"names no spare", "write {spare: 5} or {spare: 2%}"}
	}
	*b = Buffer(keys.Spare)
	return nil
}

// spare is a number of seats or a percentage.
type spare Buffer

func (s *spare) UnmarshalText(b []byte) error {
	text, percent := strings.CutSuffix(string(b), "%")
	*s = spare{}
	if !percent {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return &hinted{fmt.Sprintf("%q is neither a number of seats nor a percentage", b), "write 5 or 2%"}
		}
		s.Spare = n
		return nil
	}
	p, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(p >= 0 && p <= 100) {
		return &hinted{fmt.Sprintf("%q is no percentage from 0%% to 100%%", b), "write 5 or 2%"}
	}
	s.Percent = p
	return nil
}
