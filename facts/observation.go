package facts

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/govalues/decimal"
)

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// String writes "sha256:" and lower-case hexadecimal digits.
func (d Digest) String() string { return "sha256:" + hex.EncodeToString(d[:]) }

// MarshalText writes [Digest.String].
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what [Digest.String] writes, with or without the prefix.
func (d *Digest) UnmarshalText(b []byte) error {
	if len(b) > 7 && string(b[:7]) == "sha256:" {
		b = b[7:]
	}
	if hex.DecodedLen(len(b)) != len(d) {
		return hex.ErrLength
	}
	_, err := hex.Decode(d[:], b)
	return err
}

// File is one input as it was received.
type File struct {
	Name   string `json:"name"`   // as the operator names it: relative to the configuration
	SHA256 Digest `json:"sha256"` // of the bytes as received, before decompression
	Bytes  int64  `json:"bytes"`  // as received
	Rows   int64  `json:"rows"`   // accepted and rejected records
	// Product is the product to which the configuration ties the file, for formats that do not name it (an application's
	// list of users); normally empty.
	Product string `json:"product,omitempty"`
}

// Rejection is a record that was read and refused.
type Rejection struct {
	File   string `json:"file"`
	Line   int64  `json:"line"` // 1-based line on which the record starts
	Reason string `json:"reason"`
}

// KeptRejections is how many rejections of one feed are listed; all are counted.
const KeptRejections = 1000

// Observation is what one pull of one feed of one source saw. A connector fills it from one goroutine; several lanes of
// sign-ins may be filled side by side (see [Observation.Lane]).
type Observation struct {
	Source   string
	Feed     Feed
	Observed Instant // when the source was in this state; the time of the pull unless the source says better
	Complete bool    // everything the source had was read; false once anything was truncated or refused as a whole
	Files    []File
	Rows     int64 // records read, rejected ones included
	Rejected int64
	Rejects  []Rejection // the first [KeptRejections]
	Notes    []string    // what a person should know: totals of the source that disagree with its rows, and the like

	// Coverage of a sign-ins feed. From and To are what the operator declares, or NoInstant: then the first and last
	// event hold. Lag is how late the source may deliver; Stale how old a value may be when it is delivered.
	From, To Instant
	Lag      time.Duration
	Stale    time.Duration
	Outcomes bool   // the feed tells success from failure; without it nothing counts
	ByDay    bool   // its sign-ins are rolled up by day
	Later    int64  // events after the as-of, left out
	Failure  string // why the feed could not be read at all; "" if it was

	Strings    *Strings
	People     People
	Seats      Seats
	Counters   []Counter
	Concurrent ConcurrentDays // of a counters feed
	Purchases  []Purchase
	SignIns    SignIns
	Daily      Daily
}

// NewObservation returns an empty, so far complete observation.
func NewObservation(source string, feed Feed, observed Instant) *Observation {
	return &Observation{Source: source, Feed: feed, Observed: observed, Complete: true, Outcomes: true,
		From: NoInstant, To: NoInstant, Strings: NewStrings(), Daily: NewDaily()}
}

// Reject counts a refused record and lists it while there is room.
func (o *Observation) Reject(file string, line int64, reason string) {
	o.Rejected++
	if len(o.Rejects) < KeptRejections {
		o.Rejects = append(o.Rejects, Rejection{File: file, Line: line, Reason: reason})
	}
}

// Person is one directory row. ID is required; everything else may be empty. Days are NoDay where absent.
type Person struct {
	ID         string   // the source's immutable id
	Email      string   // login or primary address
	Aliases    []string // other names of the same principal: former addresses, second logins, UPN
	EmployeeID string
	Name       string
	Kind       Kind
	Status     Status
	Department string
	CostCentre string
	Manager    string // id or e-mail of the manager
	Role       string
	Groups     []string
	Hired      Day // first day of work
	Left       Day // last day of work, inclusive
	LeaveFrom  Day // first day of leave
	LeaveTo    Day // last day of leave, inclusive
	LastSignIn Instant
	// Deleted marks an explicit deletion record, as opposed to a row that is merely gone.
	Deleted bool
}

// People are directory rows by column; all columns have the same length.
type People struct {
	ID, Email, EmployeeID, Name, Department, CostCentre, Manager, Role []Sym
	Kind                                                               []Kind
	Status                                                             []Status
	Hired, Left, LeaveFrom, LeaveTo                                    []Day
	LastSignIn                                                         []Instant
	Deleted                                                            []bool
	Aliases, Groups                                                    Lists
}

// Len returns the number of rows.
func (p *People) Len() int { return len(p.ID) }

// Lists holds one short list of symbols a row, end to end.
type Lists struct {
	Ends []uint32 // end of row n's list in Syms
	Syms []Sym
}

// At returns row n's list; it must not be changed.
func (l *Lists) At(n int) []Sym {
	from := uint32(0)
	if n > 0 {
		from = l.Ends[n-1]
	}
	return l.Syms[from:l.Ends[n]]
}

// Append adds a row.
func (l *Lists) Append(syms ...Sym) {
	l.Syms = append(l.Syms, syms...)
	l.Ends = append(l.Ends, uint32(len(l.Syms)))
}

// AddPerson appends a directory row.
func (o *Observation) AddPerson(p *Person) {
	s, c := o.Strings, &o.People
	c.ID = append(c.ID, s.InternString(p.ID))
	c.Email = append(c.Email, s.InternString(p.Email))
	c.EmployeeID = append(c.EmployeeID, s.InternString(p.EmployeeID))
	c.Name = append(c.Name, s.InternString(p.Name))
	c.Department = append(c.Department, s.InternString(p.Department))
	c.CostCentre = append(c.CostCentre, s.InternString(p.CostCentre))
	c.Manager = append(c.Manager, s.InternString(p.Manager))
	c.Role = append(c.Role, s.InternString(p.Role))
	c.Kind = append(c.Kind, p.Kind)
	c.Status = append(c.Status, p.Status)
	c.Hired = append(c.Hired, p.Hired)
	c.Left = append(c.Left, p.Left)
	c.LeaveFrom = append(c.LeaveFrom, p.LeaveFrom)
	c.LeaveTo = append(c.LeaveTo, p.LeaveTo)
	c.LastSignIn = append(c.LastSignIn, p.LastSignIn)
	c.Deleted = append(c.Deleted, p.Deleted)
	for _, a := range p.Aliases {
		c.Aliases.Syms = append(c.Aliases.Syms, s.InternString(a))
	}
	c.Aliases.Append()
	for _, g := range p.Groups {
		c.Groups.Syms = append(c.Groups.Syms, s.InternString(g))
	}
	c.Groups.Append()
}

// Seat is one path by which one account holds one of the vendor's items. Its bytes are only borrowed: they may change
// after the call.
type Seat struct {
	Account    []byte  // the vendor's id of the account, or its login where the vendor has no other
	Login      []byte  // e-mail or login of the account, where it differs from Account
	Product    []byte  // the vendor's SKU, application id or product name
	Path       []byte  // "direct" or "group:NAME"; empty means direct
	CostCentre []byte  // the seat's own, where the vendor keeps one
	Assigned   Instant // when the seat was given; NoInstant if the vendor does not say
}

// Seats are seat paths by column; all columns have the same length. Several rows of one account and product are one
// seat with several paths.
type Seats struct {
	Account, Login, Product, Path, CostCentre []Sym
	Assigned                                  []Instant
}

// Len returns the number of rows.
func (s *Seats) Len() int { return len(s.Account) }

// AddSeat appends a seat path.
func (o *Observation) AddSeat(seat Seat) {
	s, c := o.Strings, &o.Seats
	c.Account = append(c.Account, s.Intern(seat.Account))
	c.Login = append(c.Login, s.Intern(seat.Login))
	c.Product = append(c.Product, s.Intern(seat.Product))
	c.Path = append(c.Path, s.Intern(seat.Path))
	c.CostCentre = append(c.CostCentre, s.Intern(seat.CostCentre))
	c.Assigned = append(c.Assigned, seat.Assigned)
}

// Counter is the vendor's own figure for one of its items.
type Counter struct {
	Source    string `json:"source"`  // set by [Freeze]
	Product   string `json:"product"` // the vendor's SKU or application id
	Purchased int64  `json:"purchased"`
	Consumed  int64  `json:"consumed"` // [NotTold] where the vendor does not say
}

// Billing is how a contract is charged.
type Billing uint8

// The billing models of a purchase.
const (
	BillingUnknown Billing = iota
	PerAssigned            // every assigned seat is paid for
	PerActive              // every seat active in the last ActiveDays days is paid for
	Prepaid                // the quantity is paid for until the end of the term
	Flat                   // one price whatever the quantity
)

var billingNames = [...]string{"", "per-assigned", "per-active", "prepaid", "flat"}

func (b Billing) String() string { return billingNames[b] }

// MarshalText writes the model's word.
func (b Billing) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// ParseBilling returns the model of a word and whether it is one.
func ParseBilling(s string) (Billing, bool) {
	for n, name := range billingNames {
		if n > 0 && s == name {
			return Billing(n), true
		}
	}
	return BillingUnknown, false
}

// Period is the span a price is for.
type Period uint8

// The spans of a price.
const (
	PeriodUnknown Period = iota
	PerMonth
	PerYear
	PerTerm
)

var periodNames = [...]string{"", "month", "year", "term"}

func (p Period) String() string { return periodNames[p] }

// MarshalText writes the span's word.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// ParsePeriod returns the span of a word and whether it is one.
func ParsePeriod(s string) (Period, bool) {
	for n, name := range periodNames {
		if n > 0 && s == name {
			return Period(n), true
		}
	}
	return PeriodUnknown, false
}

// Purchase is one contract or order line, or an amendment of one.
type Purchase struct {
	Source      string          `json:"source"` // set by [Freeze]
	Contract    string          `json:"contract"`
	Product     string          `json:"product"` // the product's id in products.yaml, or one of the source's own items
	Quantity    int64           `json:"quantity"`
	Price       decimal.Decimal `json:"price"` // of one unit for one Per; meaningful only if Priced
	Priced      bool            `json:"priced"`
	Per         Period          `json:"per"`
	Currency    string          `json:"currency"` // ISO 4217, upper case
	Billing     Billing         `json:"billing"`
	ActiveDays  int             `json:"active_days"` // of [PerActive]
	Start       Day             `json:"start"`
	End         Day             `json:"end"`    // last day in force; NoDay: open-ended
	Notice      Day             `json:"notice"` // last day on which the quantity can be reduced
	AutoRenew   bool            `json:"auto_renew"`
	RenewMonths int             `json:"renew_months"`
	CommitFloor int64           `json:"commit_floor"`
	TrueDown    bool            `json:"true_down"` // the contract allows reducing the quantity at its notice date
	Pool        string          `json:"pool"`
	CostCentre  string          `json:"cost_centre"`
	Order       string          `json:"order"`
}

// AddCounter appends one of the vendor's own figures.
func (o *Observation) AddCounter(c Counter) { o.Counters = append(o.Counters, c) }

// AddPurchase appends a contract line.
func (o *Observation) AddPurchase(p Purchase) { o.Purchases = append(o.Purchases, p) }
