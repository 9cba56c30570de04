package google

import (
	"strings"
	"time"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/facts"
)

// Columns of the table that the admin console downloads (Directory, Users, Download users), without the remarks in
// brackets that Google puts behind most of them, such as [Required] and [READ ONLY]. Passwords stand in it as asterisks
// and are not read.
const (
	columnAddress = iota
	columnGiven
	columnFamily
	columnUnit
	columnStatus
	columnLast
	columnNumber
	columnTitle
	columnManager
	columnDepartment
	columnCentre
	columns
)

var columnNames = [columns]string{"email address", "first name", "last name", "org unit path", "status", "last sign in", "employee id",
	"employee title", "manager email", "department", "cost center"}

// Bind finds the columns of a table. Only the address must be there.
func (d *directory) Bind(f *exports.File, header [][]byte) ([]int, error) {
	at := make([]int, columns)
	for n, name := range columnNames {
		at[n] = -1
		for k, title := range header {
			plain, _, _ := strings.Cut(string(title), "[")
			if strings.EqualFold(strings.TrimSpace(plain), name) {
				at[n] = k
				break
			}
		}
	}
	if at[columnAddress] < 0 {
		return nil, f.Fault(connectors.Permanent, 1, "is neither JSON nor a table with the column Email Address",
			"export the users by the Directory API, or download them from the admin console with all columns")
	}
	return at, nil
}

// Present has nothing to add: what a table lacks is told by the users.
func (d *directory) Present(*exports.File, []bool, []string) error { return nil }

// Parallel is false: people are read by one goroutine.
func (d *directory) Parallel() bool { return false }

// Add reads one user of a table, which has no ids: the address stands for it.
func (d *directory) Add(_ *exports.File, _ int, row [][]byte) string {
	cell := func(n int) string { return strings.TrimSpace(string(row[n])) }
	address := cell(columnAddress)
	if address == "" {
		return "a user without an address"
	}
	if _, ok := d.seen[strings.ToLower(address)]; ok {
		return string(twice)
	}
	last, ok := d.lastSignIn(cell(columnLast))
	if !ok {
		return "Last Sign In is not a time"
	}
	d.seen[strings.ToLower(address)] = struct{}{}
	p := facts.Person{ID: address, Email: address, Name: strings.TrimSpace(cell(columnGiven) + " " + cell(columnFamily)),
		Kind: facts.Employee, Status: d.consoleStatus(cell(columnStatus)), EmployeeID: cell(columnNumber), Role: cell(columnTitle),
		Manager: cell(columnManager), Department: cell(columnDepartment), CostCentre: cell(columnCentre),
		Hired: facts.NoDay, Left: facts.NoDay, LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay, LastSignIn: last}
	if unit := cell(columnUnit); unit != "" && unit != "/" {
		p.Groups = []string{unit}
	}
	d.o.AddPerson(&p)
	return ""
}

// consoleStatus reads the console's words.
func (d *directory) consoleStatus(word string) facts.Status {
	switch strings.ToLower(word) {
	case "active":
		return facts.Active
	case "suspended":
		return facts.Suspended
	case "archived":
		d.archived++
		return facts.Suspended
	}
	d.unknown++
	return facts.StatusUnknown
}

// lastSignIn reads a time of the console, which has no zone: it is taken for the organisation's. "Never logged in" and an
// empty cell are none.
func (d *directory) lastSignIn(text string) (facts.Instant, bool) {
	if text == "" || strings.EqualFold(text, "Never logged in") {
		return facts.NoInstant, true
	}
	at, err := time.Parse("2006/01/02 15:04:05", text)
	if err != nil || at.Unix() <= 0 {
		return facts.NoInstant, false
	}
	day := at.Truncate(24 * time.Hour)
	return d.calendar.Wall(facts.Date(day.Date()), at.Sub(day).Milliseconds()), true
}
