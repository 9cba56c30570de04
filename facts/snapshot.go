package facts

import (
	"cmp"
	"encoding/gob"
	"fmt"
	"io"
	"slices"
	"time"
)

// SourceID is the dense number of a source in a [Snapshot].
type SourceID uint16

// Source is a configured source.
type Source struct {
	Name string
	Kind string
	// Writes says that seats of this source can be changed through its connector; otherwise a person carries actions out.
	Writes bool
}

// Input is what the snapshot knows about one feed of one source: where it came from and what it covers.
type Input struct {
	Source   SourceID
	Feed     Feed
	Observed Instant
	Later    bool // observed after the as-of: rolled back only by its own dates
	Complete bool
	Failure  string // why the feed could not be read at all; "" if it was
	Files    []File
	Rows     int64
	Rejected int64
	Rejects  []Rejection
	Notes    []string
	From, To Instant // as declared; NoInstant where not
	Lag      time.Duration
	Stale    time.Duration
	Outcomes bool
	After    int64 // events after the as-of, left out
	Daily    Daily
}

// Snapshot is the world as one run sees it: immutable once frozen, and all that a decision may depend on besides policy
// and catalogue.
type Snapshot struct {
	Organisation string
	Zone         string // IANA name
	AsOf         Instant

	Strings    *Strings
	Sources    []Source // by name
	Inputs     []Input  // by source, then feed
	People     SourcedPeople
	Seats      SourcedSeats
	SignIns    SourcedSignIns
	Counters   []Counter
	Concurrent SourcedConcurrentDays
	Purchases  []Purchase
	Prior      Prior

	calendar *Calendar
}

// SourcedPeople are the directory rows of all sources, authoritative or not. As with seats and sign-ins, the rows of one
// source stand together, sources in ascending order; whoever reads a snapshot may rely on that.
type SourcedPeople struct {
	People
	Source []SourceID
}

// SourcedSeats are the seat paths of all sources.
type SourcedSeats struct {
	Seats
	Source []SourceID
}

// SourcedSignIns are the rolled-up sign-ins of all sources.
type SourcedSignIns struct {
	SignIns
	Source []SourceID
}

// Prior is the ledger's part in a decision, frozen with the rest so that a run can be performed again without a
// database.
type Prior struct {
	Inputs []PriorInput // of the last good runs, newest first
	Cases  []Case       // open cases
	Losses []Loss       // accesses taken in the last 30 days
	Linked []Link       // accounts that the last good run linked to a person; at least those whose person is gone since
}

// Link says that an earlier run linked an account to a person.
type Link struct {
	Source  string
	Account string // the vendor's id
	Person  string // id of the person
}

// PriorInput is the size of one feed in an earlier good run.
type PriorInput struct {
	Source   string
	Feed     Feed
	Observed Instant
	Rows     int64 // accepted rows
}

// Case is an action proposed by an earlier run and not yet ended.
type Case struct {
	ID     Digest
	State  string // an action state of package reconcile
	Opened Day
	Due    Day // end of the notice, or of what a holder was granted; NoDay if there is none
	// Verdict and Paths are what the case was opened for: a case whose verdict or paths have changed is over. Empty where
	// they were not recorded; then they are not compared. Paths are sorted and joined by ";".
	Verdict string
	Paths   string
	// Approved says that a person approved it since it was opened: it needs no second approval as long as it stands.
	Approved bool
}

// Loss is one access that a run took.
type Loss struct {
	At         Instant
	Holder     string
	Product    string
	Verdict    string
	Department string
}

// Calendar returns the days of the organisation's zone.
func (s *Snapshot) Calendar() *Calendar { return s.calendar }

// Today returns the calendar day of the as-of.
func (s *Snapshot) Today() Day { return s.calendar.Day(s.AsOf) }

// Input returns the input of one feed and whether there is one.
func (s *Snapshot) Input(source SourceID, feed Feed) (*Input, bool) {
	for n := range s.Inputs {
		if s.Inputs[n].Source == source && s.Inputs[n].Feed == feed {
			return &s.Inputs[n], true
		}
	}
	return nil, false
}

// SourceNamed returns the number of a source and whether there is one of that name.
func (s *Snapshot) SourceNamed(name string) (SourceID, bool) {
	for n := range s.Sources {
		if s.Sources[n].Name == name {
			return SourceID(n), true
		}
	}
	return 0, false
}

// Frame is what a snapshot holds besides observations.
type Frame struct {
	Organisation string
	Calendar     *Calendar
	AsOf         Instant
	Sources      []Source
	Prior        Prior
}

// Freeze merges observations into a snapshot. The result does not depend on their order. It fails if an observation
// names a source that frame does not, or if there are two of one feed of one source.
func Freeze(frame Frame, observations []*Observation) (*Snapshot, error) {
	s := &Snapshot{Organisation: frame.Organisation, Zone: frame.Calendar.Zone().String(), AsOf: frame.AsOf,
		Strings: NewStrings(), Sources: slices.Clone(frame.Sources), Prior: frame.Prior, calendar: frame.Calendar}
	slices.SortFunc(s.Sources, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	ordered := slices.Clone(observations)
	slices.SortFunc(ordered, func(a, b *Observation) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Feed, b.Feed))
	})
	for n, o := range ordered {
		if n > 0 && ordered[n-1].Source == o.Source && ordered[n-1].Feed == o.Feed {
			return nil, fmt.Errorf("facts: two observations of %s of source %q", o.Feed, o.Source)
		}
		source, ok := s.SourceNamed(o.Source)
		if !ok {
			return nil, fmt.Errorf("facts: %s of unknown source %q", o.Feed, o.Source)
		}
		s.absorb(source, o)
	}
	return s, nil
}

func (s *Snapshot) absorb(source SourceID, o *Observation) {
	s.Inputs = append(s.Inputs, Input{Source: source, Feed: o.Feed, Observed: o.Observed, Later: o.Observed > s.AsOf,
		Complete: o.Complete && o.Failure == "", Failure: o.Failure, Files: o.Files, Rows: o.Rows, Rejected: o.Rejected,
		Rejects: o.Rejects, Notes: o.Notes, From: o.From, To: o.To, Lag: o.Lag, Stale: o.Stale, Outcomes: o.Outcomes,
		After: o.Later, Daily: o.Daily})
	to := s.Strings.Merge(o.Strings)
	s.absorbPeople(source, &o.People, to)
	s.Seats.Account = remap(s.Seats.Account, o.Seats.Account, to)
	s.Seats.Login = remap(s.Seats.Login, o.Seats.Login, to)
	s.Seats.Product = remap(s.Seats.Product, o.Seats.Product, to)
	s.Seats.Path = remap(s.Seats.Path, o.Seats.Path, to)
	s.Seats.CostCentre = remap(s.Seats.CostCentre, o.Seats.CostCentre, to)
	s.Seats.Assigned = append(s.Seats.Assigned, o.Seats.Assigned...)
	s.Seats.Source = fill(s.Seats.Source, source, o.Seats.Len())
	s.SignIns.Account = remap(s.SignIns.Account, o.SignIns.Account, to)
	s.SignIns.Login = remap(s.SignIns.Login, o.SignIns.Login, to)
	s.SignIns.Application = remap(s.SignIns.Application, o.SignIns.Application, to)
	s.SignIns.Mode = append(s.SignIns.Mode, o.SignIns.Mode...)
	s.SignIns.Last = append(s.SignIns.Last, o.SignIns.Last...)
	s.SignIns.Count = append(s.SignIns.Count, o.SignIns.Count...)
	s.SignIns.Source = fill(s.SignIns.Source, source, o.SignIns.Len())
	s.absorbConcurrent(source, &o.Concurrent, to)
	for _, c := range o.Counters {
		c.Source = o.Source
		s.Counters = append(s.Counters, c)
	}
	for _, p := range o.Purchases {
		p.Source = o.Source
		s.Strings.InternString(p.Currency) // so that a decision can refer to it by number
		s.Purchases = append(s.Purchases, p)
	}
}

func (s *Snapshot) absorbPeople(source SourceID, from *People, to []Sym) {
	p := &s.People
	p.ID = remap(p.ID, from.ID, to)
	p.Email = remap(p.Email, from.Email, to)
	p.EmployeeID = remap(p.EmployeeID, from.EmployeeID, to)
	p.Name = remap(p.Name, from.Name, to)
	p.Department = remap(p.Department, from.Department, to)
	p.CostCentre = remap(p.CostCentre, from.CostCentre, to)
	p.Manager = remap(p.Manager, from.Manager, to)
	p.Role = remap(p.Role, from.Role, to)
	p.Kind = append(p.Kind, from.Kind...)
	p.Status = append(p.Status, from.Status...)
	p.Hired = append(p.Hired, from.Hired...)
	p.Left = append(p.Left, from.Left...)
	p.LeaveFrom = append(p.LeaveFrom, from.LeaveFrom...)
	p.LeaveTo = append(p.LeaveTo, from.LeaveTo...)
	p.LastSignIn = append(p.LastSignIn, from.LastSignIn...)
	p.Deleted = append(p.Deleted, from.Deleted...)
	p.Aliases.absorb(&from.Aliases, to)
	p.Groups.absorb(&from.Groups, to)
	p.Source = fill(p.Source, source, from.Len())
}

func (l *Lists) absorb(from *Lists, to []Sym) {
	base := uint32(len(l.Syms))
	l.Syms = remap(l.Syms, from.Syms, to)
	for _, end := range from.Ends {
		l.Ends = append(l.Ends, base+end)
	}
}

func remap(column, from []Sym, to []Sym) []Sym {
	column = slices.Grow(column, len(from))
	for _, n := range from {
		column = append(column, to[n])
	}
	return column
}

func fill(column []SourceID, source SourceID, n int) []SourceID {
	column = slices.Grow(column, n)
	for range n {
		column = append(column, source)
	}
	return column
}

// Encode writes the snapshot so that [DecodeSnapshot] gives an equal one. The encoding is Go's gob over the columns:
// a derived form kept for speed, never the record; the record is the raw inputs.
func (s *Snapshot) Encode(w io.Writer) error {
	if err := gob.NewEncoder(w).Encode(s); err != nil {
		return fmt.Errorf("facts: encode snapshot: %w", err)
	}
	return nil
}

// DecodeSnapshot reads what [Snapshot.Encode] wrote.
func DecodeSnapshot(r io.Reader) (*Snapshot, error) {
	s := new(Snapshot)
	if err := gob.NewDecoder(r).Decode(s); err != nil {
		return nil, fmt.Errorf("facts: decode snapshot: %w", err)
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return nil, fmt.Errorf("facts: decode snapshot: %w", err)
	}
	s.calendar = NewCalendar(zone)
	return s, nil
}

// GobEncode writes the arena and the ends.
func (s *Strings) GobEncode() ([]byte, error) {
	b := make([]byte, 0, 8+4*len(s.ends)+len(s.arena))
	b = le32(b, uint32(len(s.ends)))
	for _, end := range s.ends {
		b = le32(b, end)
	}
	return append(b, s.arena...), nil
}

// GobDecode reads what [Strings.GobEncode] wrote.
func (s *Strings) GobDecode(b []byte) error {
	if len(b) < 4 || uint64(len(b)) < 4+4*uint64(read32(b)) {
		return fmt.Errorf("facts: decode strings: %d bytes are too few", len(b))
	}
	n := int(read32(b))
	ends, arena := b[4:4+4*n], b[4+4*n:]
	*s = *NewStrings()
	from := uint32(0)
	for k := range n {
		end := read32(ends[4*k:])
		if end < from || int(end) > len(arena) {
			return fmt.Errorf("facts: decode strings: string %d ends at %d of %d bytes", k, end, len(arena))
		}
		if got := s.Intern(arena[from:end]); got != Sym(k) {
			return fmt.Errorf("facts: decode strings: string %d stands twice", k)
		}
		from = end
	}
	return nil
}

func le32(b []byte, v uint32) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24)) }

func read32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
