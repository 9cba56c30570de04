package entra

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

const (
	userID = iota
	userName
	userMail
	userDisplayName
	userEnabled
	userType
	userEmployeeID
	userEmployeeType
	userDepartment
	userCostCentre
	userTitle
	userManagerID
	userManagerMail
	userHired
	userLeft
	userDeleted
	userSuccess
	userProxies
	userOtherMails
)

var userPaths = jsondoc.NewPaths("id", "userPrincipalName", "mail", "displayName", "accountEnabled", "userType", "employeeId",
	"employeeType", "department", "employeeOrgData.costCenter", "jobTitle", "manager.id", "manager.mail", "employeeHireDate",
	"employeeLeaveDateTime", "deletedDateTime", "signInActivity.lastSuccessfulSignInDateTime", "proxyAddresses", "otherMails")

const (
	noID  jsondoc.Malformed = "a user without an id"
	twice jsondoc.Malformed = "a user who has been read already"
)

// directory reads users.
type directory struct {
	o        *facts.Observation
	calendar *facts.Calendar
	scan     *jsondoc.Scanner
	seen     map[string]struct{} // ids
	unmapped map[string]int      // employeeTypes without a meaning, with the number of users
	unknown  int                 // users whose accountEnabled is not given
}

func (s *source) people(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	d := directory{o: o, calendar: p.Calendar, scan: jsondoc.NewScanner(userPaths), seen: map[string]struct{}{},
		unmapped: map[string]int{}}
	err := s.records(ctx, p, o, func(_ int, doc []byte) error { return d.add(doc) })
	for _, word := range slices.Sorted(maps.Keys(d.unmapped)) {
		o.Notes = append(o.Notes, fmt.Sprintf("employeeType %q is no kind of ours, their kind is unknown: %d users", word, d.unmapped[word]))
	}
	if d.unknown > 0 {
		o.Notes = append(o.Notes, fmt.Sprintf("accountEnabled was not selected, their status is unknown: %d users", d.unknown))
	}
	return err
}

// add reads one user.
func (d *directory) add(doc []byte) error {
	if err := d.scan.Scan(doc); err != nil {
		return err
	}
	id := strings.ToLower(d.text(userID))
	if id == "" {
		return noID
	}
	if _, ok := d.seen[id]; ok {
		return twice
	}
	d.seen[id] = struct{}{}
	p, err := d.person()
	if err != nil {
		return err
	}
	p.ID = id
	d.o.AddPerson(&p)
	return nil
}

func (d *directory) text(n int) string { return string(d.scan.Text(n)) }

func (d *directory) person() (facts.Person, error) {
	p := facts.Person{
		Email:      d.text(userName),
		Name:       d.text(userDisplayName),
		EmployeeID: d.text(userEmployeeID),
		Department: d.text(userDepartment),
		CostCentre: d.text(userCostCentre),
		Role:       d.text(userTitle),
		Manager:    strings.ToLower(d.text(userManagerID)),
		LeaveFrom:  facts.NoDay, LeaveTo: facts.NoDay,
		LastSignIn: d.moment(userSuccess),
		Kind:       d.kind(),
		Status:     d.status(),
	}
	if p.Manager == "" {
		p.Manager = d.text(userManagerMail)
	}
	if p.Email == "" {
		p.Email = d.text(userMail)
	}
	if p.Deleted = d.moment(userDeleted).Known(); p.Deleted {
		p.Status = facts.Leaver
	}
	var err error
	if p.Hired, err = d.day(userHired, "employeeHireDate"); err != nil {
		return p, err
	}
	if p.Left, err = d.day(userLeft, "employeeLeaveDateTime"); err != nil {
		return p, err
	}
	p.Aliases, err = d.aliases(p.Email)
	return p, err
}

// kind is guest by userType; else what employeeType says, where it is one of our words. A user without an employeeType is
// an employee.
func (d *directory) kind() facts.Kind {
	word := strings.ToLower(d.text(userEmployeeType))
	switch {
	case strings.EqualFold(d.text(userType), "Guest"):
		return facts.Guest
	case word == "":
		return facts.Employee
	}
	kind, known := facts.ParseKind(word)
	if !known {
		d.unmapped[word]++
	}
	return kind
}

func (d *directory) status() facts.Status {
	switch v := d.scan.Value(userEnabled); {
	case v.Kind == jsondoc.Bool && v.Bytes[0] == 't':
		return facts.Active
	case v.Kind == jsondoc.Bool:
		return facts.Suspended
	}
	d.unknown++
	return facts.StatusUnknown
}

// aliases are the other addresses of a user: mail, the SMTP addresses among the proxy addresses, and other mails.
func (d *directory) aliases(email string) ([]string, error) {
	candidates := []string{d.text(userMail)}
	for _, n := range []int{userProxies, userOtherMails} {
		v := d.scan.Value(n)
		if v.Kind != jsondoc.Array {
			continue
		}
		var some []string
		if json.Unmarshal(v.Bytes, &some) != nil {
			return nil, jsondoc.Malformed("proxyAddresses or otherMails is not a list of texts")
		}
		for _, a := range some {
			sort, address, ok := strings.Cut(a, ":")
			switch {
			case !ok:
				candidates = append(candidates, a)
			case strings.EqualFold(sort, "smtp"):
				candidates = append(candidates, address)
			}
		}
	}
	known := map[string]bool{"": true, strings.ToLower(email): true}
	var aliases []string
	for _, a := range candidates {
		if fold := strings.ToLower(a); !known[fold] {
			known[fold] = true
			aliases = append(aliases, a)
		}
	}
	return aliases, nil
}

// moment reads a time; null, "", a missing one, and anything before 1970, such as the year 1, are none.
func (d *directory) moment(n int) facts.Instant {
	at, ok := jsondoc.ParseInstant(d.scan.Text(n))
	if !ok || at < 0 {
		return facts.NoInstant
	}
	return at
}

// day reads a moment that stands for a day. Midnight UTC is how a bare date is stored and stands for that date wherever
// the organisation is; any other moment falls on a day of the organisation's zone.
func (d *directory) day(n int, name string) (facts.Day, error) {
	text := d.scan.Text(n)
	if len(text) == 0 {
		return facts.NoDay, nil
	}
	at, ok := jsondoc.ParseInstant(text)
	switch {
	case !ok:
		return facts.NoDay, jsondoc.Malformed(name + " is not a time")
	case bytes.HasPrefix(text, []byte("0001-01-01")):
		return facts.NoDay, nil
	case at%86_400_000 == 0:
		return facts.Day(at / 86_400_000), nil
	}
	return d.calendar.Day(at), nil
}
