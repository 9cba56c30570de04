package mapping

import (
	"bytes"

	"trueup/facts"
)

// Positions of the columns of people.
const (
	personID = iota
	personEmail
	personAliases
	personEmployeeID
	personName
	personKind
	personStatus
	personDepartment
	personCostCentre
	personManager
	personGroups
	personRole
	personHired
	personLeft
	personLeaveFrom
	personLeaveTo
)

func (in *Intake) addPerson(row Row) string {
	if reason := in.empty(row, personID); reason != "" {
		return reason
	}
	if reason := in.spoilt(row, personID, personEmployeeID); reason != "" {
		return reason
	}
	p := facts.Person{
		ID:         string(row[personID]),
		Email:      string(row[personEmail]),
		Aliases:    list(row[personAliases]),
		EmployeeID: string(row[personEmployeeID]),
		Name:       string(row[personName]),
		Department: string(row[personDepartment]),
		CostCentre: string(row[personCostCentre]),
		Manager:    string(row[personManager]),
		Role:       string(row[personRole]),
		Groups:     list(row[personGroups]),
		LastSignIn: facts.NoInstant,
	}
	for _, d := range []struct {
		into *facts.Day
		at   int
	}{{&p.Hired, personHired}, {&p.Left, personLeft}, {&p.LeaveFrom, personLeaveFrom}, {&p.LeaveTo, personLeaveTo}} {
		day, fault := in.date(row[d.at])
		if fault != "" {
			return in.columns[d.at].Name + " " + fault
		}
		*d.into = day
	}
	in.classify(&p, row[personKind], row[personStatus])
	in.o.AddPerson(&p)
	return ""
}

// classify sets kind and status, and counts words that are not known.
func (in *Intake) classify(p *facts.Person, kind, status []byte) {
	var ok bool
	if len(kind) == 0 {
		p.Kind = facts.Employee
	} else if p.Kind, ok = facts.ParseKind(string(bytes.ToLower(kind))); !ok {
		in.count("kind", string(kind))
	}
	if len(status) == 0 {
		p.Status = facts.StatusUnknown
	} else if p.Status, ok = facts.ParseStatus(string(bytes.ToLower(status))); !ok {
		in.count("status", string(status))
	}
}

func (in *Intake) count(column, word string) {
	const most = 1000 // distinct words; the rest is one
	counts := in.unmapped[column]
	if counts == nil {
		counts = map[string]int{}
		in.unmapped[column] = counts
	}
	if _, known := counts[word]; !known && len(counts) >= most {
		word = "…"
	}
	counts[word]++
}
