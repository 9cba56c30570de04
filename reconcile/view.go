package reconcile

import (
	"slices"

	"trueup/facts"
)

// RowSignals returns the signals of row n, one for each source of activity of its product, by source. The result must
// not be changed.
func (p *Plan) RowSignals(n int) []Signal {
	to := uint32(len(p.Signals))
	if n+1 < len(p.Rows) {
		to = p.Rows[n+1].Signal
	}
	return p.Signals[p.Rows[n].Signal:to]
}

// RowSeats returns the rows of Snapshot.Seats that row n's seat is made of, one for each path; none without a seat. The
// result must not be changed.
func (p *Plan) RowSeats(n int) []int32 {
	to := uint32(len(p.SeatPaths))
	if n+1 < len(p.Rows) {
		to = p.Rows[n+1].Path
	}
	return p.SeatPaths[p.Rows[n].Path:to]
}

// Seat returns one of the rows of Snapshot.Seats that row n's seat is made of, always the same; -1 without a seat.
func (p *Plan) Seat(n int) int32 {
	if !p.Rows[n].Held {
		return -1
	}
	return p.SeatPaths[p.Rows[n].Path]
}

// Money returns what row n is worth. The result must not be changed.
func (p *Plan) Money(n int) *Money { return &p.Worths[p.Rows[n].Worth] }

// RowPaths returns by which ways row n's seat is held: "direct" or "group:NAME", sorted, each once; none without a seat.
func (p *Plan) RowPaths(n int) []string {
	var paths []string
	for _, seat := range p.RowSeats(n) {
		path := p.Snapshot.Strings.Text(p.Snapshot.Seats.Path[seat])
		if path == "" {
			path = "direct"
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Holder returns who row n is about: the person's id, or the account's name where no person is linked. Accounts of one
// folded name are one holder, and go by the first of their names in byte order.
func (p *Plan) Holder(n int) string { return p.Snapshot.Strings.Text(p.holder(&p.Rows[n])) }

func (p *Plan) holder(row *Row) facts.Sym {
	switch {
	case row.Person != NoPersonID:
		return p.People[row.Person].ID
	case row.Account != NoAccountID:
		return p.Accounts[row.Account].Holder
	}
	return 0
}

// AccountName returns what the vendor calls the account of row n: its login if known, else its id; "" without an account.
func (p *Plan) AccountName(n int) string {
	row := &p.Rows[n]
	if row.Account == NoAccountID {
		return ""
	}
	a := &p.Accounts[row.Account]
	if a.Login != 0 {
		return p.Snapshot.Strings.Text(a.Login)
	}
	return p.Snapshot.Strings.Text(a.Key)
}

// ProductOf returns the product of row n.
func (p *Plan) ProductOf(n int) *Product { return &p.Catalogue.Products[p.Rows[n].Product] }

// Wholes returns the position of each product as a whole, by product id; those of its pools follow it in Positions.
func (p *Plan) Wholes() []*Position {
	var wholes []*Position
	for n := range p.Positions {
		if n == 0 || p.Positions[n].Product != p.Positions[n-1].Product {
			wholes = append(wholes, &p.Positions[n])
		}
	}
	return wholes
}

// Department returns the department of row n's person; "" where no person is linked.
func (p *Plan) Department(n int) string { return p.Snapshot.Strings.Text(p.department(&p.Rows[n])) }

func (p *Plan) department(row *Row) facts.Sym {
	if row.Person == NoPersonID {
		return 0
	}
	return p.Snapshot.People.Department[p.People[row.Person].Row]
}

// CostCentre returns who bears the cost of row n: the seat's own cost centre, else the person's, else the one that the
// product's contract rows in force agree on; "" if none says.
func (p *Plan) CostCentre(n int) string {
	if centre := p.ownCentre(n); centre != 0 {
		return p.Snapshot.Strings.Text(centre)
	}
	if product := p.Rows[n].Product; int(product) < len(p.centres) {
		return p.centres[product]
	}
	return ""
}

// ownCentre returns the cost centre of row n's seat, else its person's; 0 if neither has one.
func (p *Plan) ownCentre(n int) facts.Sym {
	row := &p.Rows[n]
	if row.Held {
		for _, seat := range p.RowSeats(n) {
			if centre := p.Snapshot.Seats.CostCentre[seat]; centre != 0 {
				return centre
			}
		}
	}
	if row.Person != NoPersonID {
		return p.Snapshot.People.CostCentre[p.People[row.Person].Row]
	}
	return 0
}
