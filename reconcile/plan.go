package reconcile

import "trueup/facts"

// Plan is what a run decided. It is immutable data: rows are dense and hold numbers into the plan's own tables, and
// everything else that prints, stores or compares a plan reads it through the methods here.
//
// Rows are sorted by product id, then holder, then account, in byte order.
type Plan struct {
	ID           string // first 16 hexadecimal digits of Digest
	Decisions    facts.Digest
	Digest       facts.Digest
	AsOf         facts.Instant
	Organisation string
	Build        string
	Policy       facts.Digest // of policy.yaml's bytes
	Config       facts.Digest // of what in trueup.yaml bears on decisions
	Products     facts.Digest // of products.yaml's bytes
	Complete     bool         // every configured feed was read whole
	Mode         Mode

	Snapshot  *facts.Snapshot // what Sym, SourceID and Input numbers refer to
	Catalogue *Catalogue
	Rules     []string // names of rules, "reclaim[1]"; Row.Rule is an index
	People    []Person // dense; Row.Holder and Row.Person are indexes
	Accounts  []Account
	Rows      []Row
	SeatPaths []int32  // rows of Snapshot.Seats, each row's end to end, see [Plan.RowPaths] and [Plan.RowSeats]
	Worths    []Money  // distinct figures of the rows, see [Plan.Money]; the first is none
	Signals   []Signal // each row's signals end to end, in the order of rows, see [Plan.RowSignals]
	Actions   []Action // of every row that is not keep; by Row.Action
	Guards    []Guard
	Inputs    []InputState // parallel to Snapshot.Inputs
	Positions []Position
	// Concurrent is what the positions of concurrent products rest on, by place in the catalogue; products of which nothing is
	// known are left out.
	Concurrent []Concurrency
	Findings   []Finding
	Unplaced   []Unplaced // people without a row, with the reason; by count, see [Totals]
	Totals     Totals

	centres []string // by product: the cost centre of its contract
	pooling *pooling
}

// PersonID is the dense number of a person in a plan.
type PersonID int32

// NoPersonID marks a row without a person.
const NoPersonID PersonID = -1

// AccountID is the dense number of an account in a plan: one principal of one source.
type AccountID int32

// NoAccountID marks a row whose holder has no account at the product's source.
const NoAccountID AccountID = -1

// ProductID is the index of a product in [Catalogue.Products].
type ProductID int16

// NoProductID marks the absence of a product.
const NoProductID ProductID = -1

// Person is one human or other principal, from the authoritative sources. Row is the directory row that describes them.
type Person struct {
	ID  facts.Sym
	Row int32 // index into Snapshot.People
}

// Account is one principal of one source that is not authoritative, or of a seats or sign-ins feed.
type Account struct {
	Source    facts.SourceID
	Key       facts.Sym // the vendor's id
	Login     facts.Sym // e-mail or login; Key again where there is no other
	Person    PersonID
	Situation Situation
	By        MatchKey // which key linked it
	Kind      facts.Kind
	Row       int32     // index into Snapshot.People, -1 if no directory row describes the account
	Holder    facts.Sym // the holder's name: the person's id, else the first in byte order of the names that are one holder
}

// MatchKey is the kind of key that linked an account to a person.
type MatchKey uint8

// The keys, in the order in which they are tried unless the configuration says otherwise.
const (
	MatchNone MatchKey = iota
	MatchID
	MatchEmployeeID
	MatchEmail
	MatchAlias
	MatchMapping
)

var matchKeyNames = [...]string{"none", "id", "employee_id", "email", "alias", "mapping"}

func (k MatchKey) String() string { return matchKeyNames[k] }

// Row is one line of the plan: one seat, or one holder who has a right to a product or used it without a seat. It holds
// no pointers.
type Row struct {
	Person    PersonID  // NoPersonID where none is linked
	Account   AccountID // NoAccountID on a row without seat and account
	Product   ProductID
	Covering  ProductID // what covers this seat, of a duplicate, exempt or not; NoProductID otherwise
	To        ProductID // target of a downgrade or upgrade; NoProductID otherwise
	Rule      int16     // index into Plan.Rules; -1 if no rule decided
	Situation Situation
	Verdict   Verdict
	Kind      ActionKind // what the row calls for
	Held      bool       // the row is a seat
	Active    bool       // a seat, used within the idle threshold of its own reclaim rule, whatever decided it
	Reasons   ReasonSet
	LastUse   facts.Instant // counted use, NoInstant if none
	Path      uint32        // first index into Plan.SeatPaths; the row's end where the next row's begin
	Signal    uint32        // first index into Plan.Signals; the row's end where the next row's begin
	Action    int32         // index into Plan.Actions; -1 is keep
	IdleDays  int32         // days on which the holder could work since Clock or LastUse, the later; -1 where not known
	Clock     facts.Day     // latest of seat assignment, hire or rehire, and return from leave; NoDay where none is known
	Due       facts.Day     // the day the grace ends, of leaver-grace; NoDay otherwise
	Worth     uint32        // index into Plan.Worths
}

// Signal is one of a product's sources of activity as it bears on one row.
type Signal struct {
	Last     facts.Instant // newest counted use, NoInstant if none was seen
	Input    int32         // index into Snapshot.Inputs, and into Plan.Inputs for what it covers; -1 if the feed was not read
	Complete bool          // it covers the row's window without a gap
}

// Money is what a row is worth per month, in minor units of the currency (cents). No price: Currency is 0.
type Money struct {
	Exposure     int64     // paid now
	Reassignable int64     // what somebody else could use instead
	Reducible    int64     // what need not be bought after Effective
	Effective    facts.Day // last day for which the present quantity is paid; NoDay where nothing is reclaimed
	Currency     facts.Sym // ISO 4217
}

// Action is what a row calls for, unless that is keep.
type Action struct {
	Row   int32
	ID    facts.Digest // the case: organisation, source, account, product, kind, target and start of the clock
	Kind  ActionKind
	State State
	To    ProductID // target of a downgrade or upgrade
	Due   facts.Day // end of the notice
	Role  string    // who must approve
	By    string    // what withholds or blocks it: a guard's name and scope, an input, a path
	// Source, Seat are where the action is carried out; for an issue Seat has no path yet.
	Source facts.SourceID
	Item   string // the vendor's SKU of the row's product at Source; "" for an issue
	ToItem string // the vendor's SKU of To at Source; for an issue the SKU to assign
	Detail string // for people: what to do where a person has to
	// After is how many seats of the product and pool that the action takes a seat of must have been taken back by this plan,
	// and that be confirmed, before it is begun; 0 where a spare one is there.
	After int32
}

// Guard is one limit that was looked at.
type Guard struct {
	Name      string     `json:"guard"`
	Scope     string     `json:"scope"`
	Value     *float64   `json:"value"` // null when not evaluated
	Limit     float64    `json:"limit"`
	State     GuardState `json:"state"`
	Withholds int        `json:"withholds"` // actions held back by it
	Why       string     `json:"why,omitempty"`
}

// GuardState is what became of a guard.
type GuardState uint8

// The states of a guard.
const (
	GuardHeld         GuardState = iota // within the limit
	GuardTripped                        // beyond it: the scope's actions are withheld
	GuardNotEvaluated                   // no baseline
	GuardRaised                         // beyond it, raised for this run by name
)

var guardStateNames = [...]string{"held", "tripped", "not-evaluated", "raised"}

func (g GuardState) String() string { return guardStateNames[g] }

// MarshalText writes the state's word.
func (g GuardState) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText reads the state's word.
func (g *GuardState) UnmarshalText(b []byte) error { return unmarshal(g, guardStateNames[:], b) }

// GuardNames lists the closed set of guards.
func GuardNames() []string {
	return []string{"shrink", "growth", "rejected", "match_rate", "watermark", "incomplete", "run", "run_percent", "days_7",
		"days_30", "product_percent", "department_percent", "verdict_percent"}
}

// UnplacedReasons lists the closed set of reasons why a person has no row.
func UnplacedReasons() []string { return unplacedNames[:] }

// unplaced is a reason why a person has no row; of several the later counts.
type unplaced uint8

const (
	noRightNoUse unplaced = iota
	eligibleNotActive
	seatsNotKnown
	unplacedCount
)

var unplacedNames = [...]string{"no seat, no right to one, no counted use", "a right to a seat, but not active",
	"a right or use, but the seats feed is not complete"}

// InputState is what reconciling found out about one input.
type InputState struct {
	From, To  facts.Instant // the coverage that counts: declared, or first to last event
	Complete  bool
	Gaps      []Gap
	MatchRate float64 // share of the feed's accounts that a person or known account matches; -1 where it does not apply
}

// Gap is an interval of days, inclusive, in which a log is not believed to be complete.
type Gap struct {
	From facts.Day `json:"from"`
	To   facts.Day `json:"to"`
}

// Position is what a product comes to on the as-of. Null figures are nil: not known is not zero. Pool "" is the product
// as a whole; where its contracts name pools, one further position for each follows it. Where the catalogue says of all of
// them who is in them, these add up to the whole; else they say what is purchased, and no more: a seat does not tell which
// pool it is from.
type Position struct {
	Product          ProductID
	Pool             string
	Purchased        *int64
	CounterPurchased *int64
	CounterConsumed  *int64
	Assigned         *int64
	Active           *int64
	Idle             *int64
	Spare            *int64
	Peak             *int64 // of a concurrent product, as the next ones: the most licences out at one time in the window
	Reserved         *int64 // the most that reservations held back
	Denied           *int64 // requests refused for want of a licence
	DaysAtLimit      *int64 // days on which all licences that stood were out
	Needed           *int64 // peak and buffer; nil unless the whole window is known
	Reducible        *int64 // licences that the contract lets be dropped at its next notice date; nil unless the window is known
	Reclaimable      *int64
	Flags            []string // from [PositionFlags]
	Notice           facts.Day
	Ends             facts.Day
	Currency         string
	UnitPrice        string // decimal, per seat and month; "" without a price
}

// PositionFlags lists the closed set of flags.
func PositionFlags() []string {
	return []string{"over-allocated", "surplus", "shortage", "counter-mismatch", "renewal-due", "renewal-unconfirmed",
		"contract-ended"}
}

// Finding is something that a person should look at and that is no row.
type Finding struct {
	Code    string `json:"code"` // from [FindingCodes]
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// FindingCodes lists the closed set of findings.
func FindingCodes() []string {
	return []string{"application-never-seen", "item-unmapped", "rows-rejected", "outcome-untold", "feed-missing",
		"feed-incomplete", "source-note", "purchase-unknown-product", "policy-error", "counter-mismatch",
		"person-disputed", "events-after-as-of", "configured-unused", "target-has-no-item", "not-freed", "contract-overlap",
		"denied", "use-not-covered", "pool-unknown"}
}

// Unplaced counts people who have no row, by reason.
type Unplaced struct {
	Reason string `json:"reason"`
	People int    `json:"people"`
}

// Totals are the sums that must tie: rows = seats + missing + unlicensed use = sum over verdicts; people read = people
// with rows + people without.
type Totals struct {
	People         int // read from authoritative sources
	PeopleWithRows int
	Seats          int
	Rows           int
	Missing        int
	UnlicensedUse  int
	Verdicts       [len(verdictNames)]int
	Actions        [len(actionKindNames)]int
	States         [len(stateNames)]int
	Money          []MoneyTotal // by currency, in byte order
}

// MoneyTotal is the sum of the rows' rounded money in one currency; figures in different currencies are never added.
type MoneyTotal struct {
	Currency                          string
	Exposure, Reassignable, Reducible int64
}
