// Package connectors is the contract between trueup and the systems it reads and writes: what a driver declares about
// itself ([Descriptor]), how one feed is read ([Source.Pull]), the verbs a writable system offers ([Revoker], [Assigner],
// [Swapper], [Prober]), and the classes of error that decide what happens next ([Class]).
//
// A driver is a folder below this one. It knows one vendor or format and neither other vendors nor what is concluded
// from its facts. Package connectors/all lists the drivers; nothing registers itself.
package connectors

import (
	"context"
	"io"
	"time"

	"trueup/facts"
)

// Verb is something a connector can do to a seat.
type Verb uint8

// The verbs. VerbProbe reads one account's seats back.
const (
	VerbRevoke Verb = iota
	VerbAssign
	VerbSwap
	VerbProbe
)

var verbNames = [...]string{"revoke", "assign", "swap", "probe"}

func (v Verb) String() string { return verbNames[v] }

// MarshalText writes the verb's word.
func (v Verb) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Descriptor is what a kind of source declares about itself. What it does not declare it cannot do.
type Descriptor struct {
	Kind    string       // the word in the configuration
	Title   string       // for people
	Exports []facts.Feed // feeds it reads from files
	Live    []facts.Feed // feeds it reads from the vendor's API
	Writes  []Verb
	// Lag is how late the vendor's sign-in log may be, by its documents; zero where they say nothing, then
	// [DefaultLag] holds.
	Lag time.Duration
	// Open makes a source from its section of the configuration. It does no I/O.
	Open func(Section) (Source, error)
}

// DefaultLag is how late a log may be whose vendor documents nothing.
const DefaultLag = 36 * time.Hour

// Section is one source's part of the configuration.
type Section struct {
	Name string
	Dir  string // relative paths in the section are relative to it
	// Decode reads the section into a struct with yaml tags. It is strict: an unknown key is an error that names its line.
	Decode func(into any) error
	// Secret resolves a reference (env:NAME, file:PATH). It fails, without showing a value, if there is none.
	Secret func(reference string) (string, error)
	// Calendar is the organisation's: a date without a time is a day of its zone.
	Calendar *facts.Calendar
	// Now tells the time, for verbs whose effect depends on it: a pull has its own.
	Now func() facts.Instant
}

// Source is one configured source.
type Source interface {
	// Feeds lists what this source is configured to give, in reading order.
	Feeds() []facts.Feed
	// Pull reads one feed whole. On success the observation is complete or says why not. On failure it returns what was
	// read until then, possibly nil, with an error that [ClassOf] can class; the observation then counts as incomplete.
	// It stops, with ctx.Err, soon after ctx is done. A record that cannot be understood is rejected and counted, never
	// skipped silently and never a reason to lose the others.
	Pull(ctx context.Context, p Pull) (*facts.Observation, error)
}

// Pull says what to read and where the raw bytes go.
type Pull struct {
	Feed     facts.Feed
	AsOf     facts.Instant // sign-ins after it are left out
	Observed facts.Instant // when the pull runs
	Calendar *facts.Calendar
	ByDay    bool // sign-ins are wanted day by day, to look at the past
	// Raw keeps the bytes as received; never nil.
	Raw Raw
	// Archived, if not nil, replaces the files that the configuration names: the same bytes, read again from the archive.
	Archived []Archived
	// Workers is how many goroutines may decode side by side; at least 1.
	Workers int
	// Progress, if not nil, is told how many bytes have been read since the last call and, as they become known, how many
	// there are in all. It may be called from several goroutines.
	Progress func(read, total int64)
}

// Lane returns an empty lane for the sign-ins of one goroutine.
func (p *Pull) Lane() *facts.Lane {
	lane := facts.NewLane(p.Calendar, p.AsOf).Pulled(p.Observed)
	if p.ByDay {
		lane.ByDay()
	}
	return lane
}

// Archived is an input that an earlier pull kept.
type Archived struct {
	File facts.File
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Raw keeps inputs as they are received, hashing in the same pass.
type Raw interface {
	// Create begins an input. name is for people: a path or URL without secrets.
	Create(ctx context.Context, name string) (RawWriter, error)
}

// RawWriter takes the bytes of one input. Exactly one of Commit and Abort must be called.
type RawWriter interface {
	io.Writer
	// Commit ends the input and returns its SHA-256 and size.
	Commit() (facts.Digest, int64, error)
	// Abort forgets the input.
	Abort()
}

// Seat names one seat in the vendor's own terms.
type Seat struct {
	Account string // the vendor's id of the account
	Login   string // e-mail or login, for vendors whose calls want that, and for messages
	Product string // the vendor's SKU or application id
	Path    string // "direct" or "group:NAME"
}

// Receipt is what the vendor answered to a write.
type Receipt struct {
	Already bool   // the seat was in the wanted state before the call
	Request string // the vendor's request id, "" if it gave none
	Detail  string // for people
}

// Revoker takes a direct seat away. Revoking what is not held succeeds with Already. key makes a repeated request
// harmless where the vendor supports that.
type Revoker interface {
	Revoke(ctx context.Context, seat Seat, key string) (Receipt, error)
}

// Assigner gives a direct seat. Assigning what is held succeeds with Already.
type Assigner interface {
	Assign(ctx context.Context, seat Seat, key string) (Receipt, error)
}

// Swapper replaces one direct seat by another product in one step, so that the account is never without.
type Swapper interface {
	Swap(ctx context.Context, seat Seat, to string, key string) (Receipt, error)
}

// Prober reads the seats of one account as the vendor shows them now.
type Prober interface {
	Probe(ctx context.Context, account, login string) ([]Seat, error)
}

// Checker is a source that can say, changing nothing, whether it could be read and written; trueup check asks it.
type Checker interface {
	Check(ctx context.Context) error
}
