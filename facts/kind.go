package facts

import "fmt"

// Kind is what sort of principal a directory row describes. The zero value is unknown: never human, never protected.
type Kind uint8

// The kinds of principal, in the words of the configuration and the reports.
const (
	KindUnknown Kind = iota
	Employee
	Contractor
	Guest
	Service
	Shared
	Resource
	Device
	BreakGlass
	Customer
	Machine
)

var kindNames = [...]string{"unknown", "employee", "contractor", "guest", "service", "shared", "resource", "device",
	"break-glass", "customer", "machine"}

// KindNames lists the words for all kinds, in the order of their values.
func KindNames() []string { return kindNames[:] }

func (k Kind) String() string { return kindNames[k] }

// MarshalText writes the kind's word.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// ParseKind returns the kind of a word and whether it is one; an unknown word is [KindUnknown], false.
func ParseKind(s string) (Kind, bool) {
	for n, name := range kindNames {
		if s == name {
			return Kind(n), true
		}
	}
	return KindUnknown, false
}

// Status is where a principal stands with the organisation. The zero value is unknown: never active, never leaver.
type Status uint8

// The states of a principal.
const (
	StatusUnknown Status = iota
	Active
	Suspended
	OnLeave
	Leaver
	Future
)

var statusNames = [...]string{"unknown", "active", "suspended", "on-leave", "leaver", "future"}

// StatusNames lists the words for all states, in the order of their values.
func StatusNames() []string { return statusNames[:] }

func (s Status) String() string { return statusNames[s] }

// MarshalText writes the state's word.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseStatus returns the state of a word and whether it is one; an unknown word is [StatusUnknown], false.
func ParseStatus(s string) (Status, bool) {
	for n, name := range statusNames {
		if s == name {
			return Status(n), true
		}
	}
	return StatusUnknown, false
}

// Feed is one of the streams a source can give.
type Feed uint8

// The feeds, in the order in which a run reads them.
const (
	FeedPeople Feed = iota
	FeedSeats
	FeedCounters
	FeedPurchases
	FeedSignIns
)

var feedNames = [...]string{"people", "seats", "counters", "purchases", "sign-ins"}

// Feeds lists all feeds in reading order.
func Feeds() []Feed { return []Feed{FeedPeople, FeedSeats, FeedCounters, FeedPurchases, FeedSignIns} }

func (f Feed) String() string { return feedNames[f] }

// MarshalText writes the feed's word.
func (f Feed) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the feed's word.
func (f *Feed) UnmarshalText(b []byte) error {
	for n, name := range feedNames {
		if string(b) == name {
			*f = Feed(n)
			return nil
		}
	}
	return fmt.Errorf("feed %q: want people, seats, counters, purchases or sign-ins", b)
}

// Mode says how a sign-in came about.
type Mode uint8

// The modes of a sign-in. Both count as use unless a product says otherwise; a source that does not tell is ModeUnknown
// and counts where either does.
const (
	ModeUnknown Mode = iota
	Interactive
	NonInteractive
)

var modeNames = [...]string{"unknown", "interactive", "non-interactive"}

func (m Mode) String() string { return modeNames[m] }
