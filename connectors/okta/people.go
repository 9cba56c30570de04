package okta

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

const (
	userID = iota
	userStatus
	userLastLogin
	userLogin
	userEmail
	userSecondEmail
	userNumber
	userDisplayName
	userFirstName
	userLastName
	userDepartment
	userCostCentre
	userManagerID
	userManager
	userTitle
	userType
)

var userPaths = jsondoc.NewPaths("id", "status", "lastLogin", "profile.login", "profile.email", "profile.secondEmail",
	"profile.employeeNumber", "profile.displayName", "profile.firstName", "profile.lastName", "profile.department",
	"profile.costCenter", "profile.managerId", "profile.manager", "profile.title", "profile.userType")

// statuses says what Okta's user statuses mean. An account that is staged or provisioned has not been used yet, which
// says nothing against it: whether it is used is for the sign-ins to tell. A deactivated user is a leaver, which counts
// only where the organisation calls this source authoritative.
var statuses = map[string]facts.Status{
	"STAGED":           facts.Active,
	"PROVISIONED":      facts.Active,
	"ACTIVE":           facts.Active,
	"RECOVERY":         facts.Active,
	"PASSWORD_EXPIRED": facts.Active,
	"LOCKED_OUT":       facts.Active,
	"SUSPENDED":        facts.Suspended,
	"DEPROVISIONED":    facts.Leaver,
}

// directory reads users.
type directory struct {
	o        *facts.Observation
	scan     *jsondoc.Scanner
	seen     map[string]struct{} // ids
	unmapped map[string]int      // notes on words without a meaning, with the number of users
	gone     int                 // deactivated users
}

func (s *source) people(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	d := directory{o: o, scan: jsondoc.NewScanner(userPaths), seen: map[string]struct{}{}, unmapped: map[string]int{}}
	err := s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error {
		options := jsondoc.Options{MaxDocument: f.Record(), Accept: f.AddRows, Reject: f.Reject}
		return jsondoc.Each(ctx, f, options, func(_ int, doc jsondoc.Doc) error {
			return d.add(doc.Bytes)
		})
	})
	for _, note := range slices.Sorted(maps.Keys(d.unmapped)) {
		o.Notes = append(o.Notes, fmt.Sprintf("%s: %d users", note, d.unmapped[note]))
	}
	if d.gone == 0 && o.People.Len() > 0 {
		o.Notes = append(o.Notes, "no deactivated users: Okta leaves them out unless it is asked for them")
	}
	return err
}

// add reads one user.
func (d *directory) add(doc []byte) error {
	if err := d.scan.Scan(doc); err != nil {
		return err
	}
	id := text(d.scan.Value(userID))
	if id == "" {
		return jsondoc.Malformed("a user without an id")
	}
	if _, twice := d.seen[id]; twice {
		return jsondoc.Malformed("a user who has been read already")
	}
	d.seen[id] = struct{}{}
	p := d.person()
	p.ID = id
	d.o.AddPerson(&p)
	return nil
}

func (d *directory) person() facts.Person {
	field := func(n int) string { return text(d.scan.Value(n)) }
	p := facts.Person{
		Email:      field(userLogin),
		EmployeeID: field(userNumber),
		Name:       field(userDisplayName),
		Department: field(userDepartment),
		CostCentre: field(userCostCentre),
		Manager:    field(userManagerID),
		Role:       field(userTitle),
		Hired:      facts.NoDay, Left: facts.NoDay, LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay,
		LastSignIn: instant(d.scan.Value(userLastLogin)),
	}
	if p.Name == "" {
		p.Name = strings.TrimSpace(field(userFirstName) + " " + field(userLastName))
	}
	if p.Manager == "" {
		p.Manager = field(userManager)
	}
	for _, alias := range []string{field(userEmail), field(userSecondEmail)} {
		known := func(s string) bool { return strings.EqualFold(s, alias) }
		if alias != "" && !known(p.Email) && !slices.ContainsFunc(p.Aliases, known) {
			p.Aliases = append(p.Aliases, alias)
		}
	}
	d.classify(&p, field(userType), field(userStatus))
	return p
}

// classify sets kind and status. The user type counts where it is one of our words; a user without one is an employee.
func (d *directory) classify(p *facts.Person, sort, status string) {
	known := sort == ""
	if p.Kind = facts.Employee; !known {
		p.Kind, known = facts.ParseKind(strings.ToLower(sort))
	}
	if !known {
		d.unmapped[fmt.Sprintf("userType %q is no kind of ours, their kind is unknown", sort)]++
	}
	if p.Status, known = statuses[status]; !known {
		d.unmapped[fmt.Sprintf("status %q is not known, they are neither active nor leavers", status)]++
	}
	if p.Status == facts.Leaver {
		d.gone++
	}
}
