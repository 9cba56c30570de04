package flexlm

import (
	"context"
	"sync"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/facts"
)

// signIns reads who took a licence of which feature when, as sign-ins of a user to an application: for products that are
// licensed by name and count a checkout as use. A denied request is a failure.
func (s *source) signIns(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	o.Lag = lag
	seen := &seen{starts: map[start]bool{}}
	lanes := make([]*facts.Lane, max(1, p.Workers))
	for n := range lanes {
		lanes[n] = p.Lane()
	}
	err := s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error {
		lane := lanes[f.Lane]
		return s.read(ctx, p, f, sinks{
			snapshot: func(x *snapshot) { addSnapshot(lane, seen, x) },
			event:    func(e event) { addEvent(lane, &e) }})
	})
	o.Join(lanes...)
	return err
}

// addSnapshot adds the checkouts of an answer that no other answer has shown, and that somebody looked.
func addSnapshot(lane *facts.Lane, seen *seen, s *snapshot) {
	lane.Add(facts.SignIn{At: s.at})
	for n := range s.features {
		for _, c := range s.features[n].rows {
			if c.queued || !seen.first(start{s.features[n].name, c.user, c.host, c.display, c.handle, c.start}) {
				continue
			}
			lane.Add(facts.SignIn{Account: []byte(c.user), Application: []byte(s.features[n].name), At: c.start, Success: true})
		}
	}
}

func addEvent(lane *facts.Lane, e *event) {
	in := facts.SignIn{At: e.at, Success: e.kind == checkedOut}
	if e.kind == checkedOut || e.kind == denied {
		in.Account, in.Application = []byte(e.user()), []byte(e.feature)
	}
	lane.Add(in)
}

// start tells one checkout from another, so that one which many answers show counts once.
type start struct {
	feature, user, host, display, handle string
	at                                   facts.Instant
}

// seen are the checkouts so far, of all files.
type seen struct {
	mu     sync.Mutex
	starts map[start]bool
}

func (s *seen) first(x start) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.starts[x] {
		return false
	}
	s.starts[x] = true
	return true
}
