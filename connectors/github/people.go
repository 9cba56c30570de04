package github

import (
	"context"
	"strings"

	"trueup/connectors"
	"trueup/facts"
)

// people reads who has a licence or a Copilot seat. The last sign-in of a person is Copilot's last activity, which says
// nothing about GitHub itself: a source that counts it as use should be of Copilot alone.
func (s *source) people(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	d := directory{at: map[string]int{}}
	_, err := s.holdings(ctx, p, o, d.add)
	for n := range d.people {
		o.AddPerson(&d.people[n])
	}
	return err
}

// directory brings together what several records say about one login.
type directory struct {
	people []facts.Person
	at     map[string]int // by login, folded
}

func (d *directory) add(r record) {
	if r.user != nil {
		p := r.user.person()
		have := d.person(p.ID)
		p.LastSignIn = have.LastSignIn
		*have = p
		return
	}
	have := d.person(r.seat.Assignee.Login)
	have.LastSignIn = max(have.LastSignIn, r.seat.used())
	if sort := r.seat.Assignee.Type; sort != "" && sort != "User" { // a bot
		have.Kind = facts.KindUnknown
	}
}

// person returns the person of a login, new if it has not been seen.
func (d *directory) person(login string) *facts.Person {
	fold := strings.ToLower(login)
	n, known := d.at[fold]
	if !known {
		n = len(d.people)
		d.at[fold] = n
		d.people = append(d.people, facts.Person{ID: login, Kind: facts.Employee, Status: facts.Active, Hired: facts.NoDay,
			Left: facts.NoDay, LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay, LastSignIn: facts.NoInstant})
	}
	return &d.people[n]
}
