package reconcile

import (
	"time"

	"trueup/facts"
)

// Catalogue is products.yaml: what is sold, how it is counted, where its seats come from and what counts as use.
type Catalogue struct {
	Products []Product
	SHA256   facts.Digest // of the file's bytes
}

// Metric is the unit in which a product is counted.
type Metric string

// The metrics. Concurrent and consumption products have a position, never a row per holder.
const (
	NamedUser   Metric = "named-user"
	ActiveUser  Metric = "active-user"
	DeviceSeat  Metric = "device"
	Concurrent  Metric = "concurrent"
	Consumption Metric = "consumption"
)

// PerHolder reports whether the product has a row per seat.
func (m Metric) PerHolder() bool { return m == NamedUser || m == ActiveUser || m == DeviceSeat }

// Product is one sellable item of one vendor.
type Product struct {
	ID        string              `yaml:"id"`
	Name      string              `yaml:"name"`
	Vendor    string              `yaml:"vendor"`
	Category  string              `yaml:"category"`
	Family    string              `yaml:"family"` // tiers of one family replace one another
	Tier      int                 `yaml:"tier"`   // higher covers lower
	Covers    []string            `yaml:"covers"` // ids of products that this one includes
	Metric    Metric              `yaml:"metric"` // named-user if not given
	SeatsFrom map[string][]string `yaml:"seats_from"`
	Activity  map[string]Activity `yaml:"activity"`
	Needs     map[string]Activity `yaml:"needs"` // use that only this tier allows
	Owner     string              `yaml:"owner"`
	// ActivationWindow is how long a new seat may stay unused; ReversibleFor how long data is kept after a revoke.
	ActivationWindow Days `yaml:"activation_window"`
	ReversibleFor    Days `yaml:"reversible_for"`
}

// Activity is what counts as use at one source. In YAML a bare list means applications.
type Activity struct {
	Applications []string `yaml:"applications"` // compared case-folded; empty: any application of the source
	Events       []string `yaml:"events"`       // interactive, non-interactive; empty: both
}

// Days is a number of calendar days, written 90d.
type Days int

// Policy is policy.yaml, compiled.
type Policy struct {
	Version     int
	Mode        Mode
	Eligibility []EligibilityRule
	Reclaim     []ReclaimRule
	Exempt      []Exemption
	Leaver      LeaverRule
	Expired     ExpiredRule
	Approval    ApprovalRule
	Buffers     map[string]Buffer // by product, family or "*"
	Guards      GuardLimits
	Future      Days // lead time within which people who have not started may be missing a seat
	SHA256      facts.Digest
}

// Mode says whether a run may act.
type Mode string

// The modes of a policy.
const (
	Observe Mode = "observe" // plan and report only
	Act     Mode = "act"
)

// EligibilityRule says who should hold a product.
type EligibilityRule struct {
	Name    string // "eligibility[0]"
	Product string
	When    *Expression
}

// ReclaimRule says when a seat of a product counts as unused and what then happens. Product is an id, a family or "*";
// the most specific rule whose When holds wins, of equally specific ones the first.
type ReclaimRule struct {
	Name           string
	Product        string
	When           *Expression // nil: always
	IdleAfter      Days
	NeverUsedAfter Days // 0: the product's activation window alone
	Notice         Days
	Action         ActionKind // Revoke, Downgrade, Review or Keep
	To             string     // target of a downgrade
}

// Exemption shields seats from the verdicts it names.
type Exemption struct {
	Name      string
	Product   string // "" or "*": any
	When      *Expression
	Reason    string
	Author    string
	Until     facts.Day
	From      []Verdict
	LegalHold bool
}

// LeaverRule says what happens to the seats of people who have left.
type LeaverRule struct {
	Grace  time.Duration
	Action ActionKind
}

// ExpiredRule says what happens to seats whose contract has ended: Review unless the policy says Revoke.
type ExpiredRule struct{ Action ActionKind }

// ApprovalRule says which verdicts are acted on unattended and who approves the others.
type ApprovalRule struct {
	Unattended []Verdict
	Roles      map[Verdict]string
	TrustCLI   bool
}

// Buffer is how many seats should be spare: a number, or a percentage of what is purchased.
type Buffer struct {
	Spare   int64
	Percent float64
}

// GuardLimits are the limits of policy.yaml's guards section; a zero limit is not checked.
type GuardLimits struct {
	Run               int     // people losing access in one run
	RunPercent        float64 // of people with a seat
	Days7, Days30     int     // people losing access in rolling windows
	ProductPercent    float64 // of a product's seats
	DepartmentPercent float64
	VerdictPercent    float64
	ShrinkPercent     float64 // rows of a feed against its last good run
	GrowthPercent     float64
	RejectedPercent   float64
	MatchRate         float64 // at least this share of a feed's accounts matches
	WatermarkAge      time.Duration
	Canary            int
}

// Identity is the identity section of trueup.yaml.
type Identity struct {
	Authoritative []string          // names of sources whose people are the persons
	Match         []MatchKey        // in order
	Domains       map[string]string // old domain to the one it is equal to
	Mapping       []Mapping         // the operator's own word, before any key
}

// Mapping says that an account is a person, by the operator's word.
type Mapping struct {
	Source  string // "" is any
	Account string // id, login or e-mail
	Person  string // id of the person
}

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
