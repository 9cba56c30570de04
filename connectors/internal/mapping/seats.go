package mapping

import (
	"bytes"

	"trueup/facts"
)

// Positions of the columns of seats.
const (
	seatAccount = iota
	seatLogin
	seatProduct
	seatPath
	seatCostCentre
	seatAssigned
)

// addSeat appends one row for each path of the seat. A path that is neither "direct" nor "group:NAME" is the name of a
// group: a seat that is wrongly taken for an inherited one is left alone.
func (in *Intake) addSeat(row Row) string {
	if reason := in.empty(row, seatAccount, seatProduct); reason != "" {
		return reason
	}
	if reason := in.spoilt(row, seatAccount); reason != "" {
		return reason
	}
	assigned, fault := in.moment(row[seatAssigned])
	if fault != "" {
		return "assigned " + fault
	}
	seat := facts.Seat{Account: row[seatAccount], Login: row[seatLogin], Product: row[seatProduct], CostCentre: row[seatCostCentre],
		Assigned: assigned.at}
	paths := row[seatPath]
	if len(paths) == 0 || bytes.EqualFold(paths, direct) { // by far the most frequent, without garbage
		seat.Path = direct
		in.o.AddSeat(seat)
		return ""
	}
	for _, path := range list(paths) {
		switch {
		case bytes.EqualFold([]byte(path), direct):
			seat.Path = direct
		case len(path) > 6 && bytes.EqualFold([]byte(path[:6]), []byte("group:")):
			seat.Path = []byte("group:" + path[6:])
		default:
			seat.Path = []byte("group:" + path)
		}
		in.o.AddSeat(seat)
	}
	return ""
}

var direct = []byte("direct")
