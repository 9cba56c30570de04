package connectortest

import (
	"fmt"
	"slices"

	"trueup/facts"
)

// printer collects lines.
type printer struct {
	o     *facts.Observation
	lines []string
}

func (p *printer) add(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

func (p *printer) sorted() []string {
	slices.Sort(p.lines)
	return p.lines
}

func (p *printer) text(n facts.Sym) string { return p.o.Strings.Text(n) }

func (p *printer) texts(syms []facts.Sym) []string {
	all := make([]string, len(syms))
	for n, s := range syms {
		all[n] = p.text(s)
	}
	slices.Sort(all)
	return all
}

func (p *printer) people() {
	c := &p.o.People
	for n := range c.Len() {
		p.add("person %q email=%q aliases=%q employee=%q name=%q kind=%v status=%v department=%q centre=%q manager=%q role=%q groups=%q "+
			"hired=%v left=%v leave=%v..%v last=%v deleted=%t", p.text(c.ID[n]), p.text(c.Email[n]), p.texts(c.Aliases.At(n)),
			p.text(c.EmployeeID[n]), p.text(c.Name[n]), c.Kind[n], c.Status[n], p.text(c.Department[n]), p.text(c.CostCentre[n]),
			p.text(c.Manager[n]), p.text(c.Role[n]), p.texts(c.Groups.At(n)), c.Hired[n], c.Left[n], c.LeaveFrom[n], c.LeaveTo[n],
			c.LastSignIn[n], c.Deleted[n])
	}
}

func (p *printer) seats() {
	c := &p.o.Seats
	for n := range c.Len() {
		p.add("seat %q login=%q product=%q path=%q centre=%q assigned=%v", p.text(c.Account[n]), p.text(c.Login[n]),
			p.text(c.Product[n]), p.text(c.Path[n]), p.text(c.CostCentre[n]), c.Assigned[n])
	}
}

func (p *printer) signIns() {
	c := &p.o.SignIns
	for n := range c.Len() {
		p.add("sign-in %q login=%q application=%q mode=%v last=%v count=%d", p.text(c.Account[n]), p.text(c.Login[n]),
			p.text(c.Application[n]), c.Mode[n], c.Last[n], c.Count[n])
	}
	d := &p.o.Daily
	for n, count := range d.Counts {
		if count > 0 {
			p.add("day %v events=%d", d.From+facts.Day(n), count)
		}
	}
	if d.First.Known() {
		p.add("events from %v to %v, later %d, outcomes %t", d.First, d.Last, p.o.Later, p.o.Outcomes)
	}
}
