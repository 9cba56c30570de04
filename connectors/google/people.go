package google

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

const (
	noID      jsondoc.Malformed = "a user without an id"
	twice     jsondoc.Malformed = "a user who has been read already"
	wrongType jsondoc.Malformed = "a user with a field of the wrong type"
)

// user is a user of the Directory API (developers.google.com/workspace/admin/directory/reference/rest/v1/users). Fields that
// administrators fill freely are decoded one by one, so that an odd one does not cost the user.
type user struct {
	ID      string `json:"id"`
	Primary string `json:"primaryEmail"`
	Name    struct {
		Full   string `json:"fullName"`
		Given  string `json:"givenName"`
		Family string `json:"familyName"`
	} `json:"name"`
	Aliases     []string        `json:"aliases"`
	Fixed       []string        `json:"nonEditableAliases"`
	Emails      json.RawMessage `json:"emails"`
	ExternalIDs json.RawMessage `json:"externalIds"`
	Relations   json.RawMessage `json:"relations"`
	Positions   json.RawMessage `json:"organizations"`
	Unit        string          `json:"orgUnitPath"`
	Suspended   *bool           `json:"suspended"`
	Archived    *bool           `json:"archived"`
	Deleted     string          `json:"deletionTime"`
	LastLogin   string          `json:"lastLoginTime"`
}

// typed is an element of externalIds or relations.
type typed struct {
	Value string `json:"value"`
	Type  string `json:"type"`
}

// position is an element of organizations.
type position struct {
	Department string `json:"department"`
	CostCentre string `json:"costCenter"`
	Title      string `json:"title"`
	Primary    bool   `json:"primary"`
}

// directory reads users.
type directory struct {
	o        *facts.Observation
	calendar *facts.Calendar
	seen     map[string]struct{} // ids; addresses of users from tables
	unknown  int                 // users of whom it is not said whether they are suspended
	archived int
	odd      int // users with a list that is not what Google writes
}

func (s *source) people(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	d := &directory{o: o, calendar: p.Calendar, seen: map[string]struct{}{}}
	scan := jsondoc.NewScanner(jsondoc.NewPaths("id"))
	err := s.records(ctx, p, o, d, func(_ int, doc []byte) (string, error) {
		if err := scan.Scan(doc); err != nil { // its reasons never show a value
			return "", err
		}
		return "", d.add(doc)
	})
	for _, note := range []struct {
		text  string
		users int
	}{
		{"whether they are suspended is not told, their status is unknown", d.unknown},
		{"archived, taken for suspended", d.archived},
		{"emails, externalIds, organizations or relations is not what Google writes and was left out", d.odd},
	} {
		if note.users > 0 {
			o.Notes = append(o.Notes, fmt.Sprintf("%s: %d users", note.text, note.users))
		}
	}
	return err
}

// add reads one user.
func (d *directory) add(doc []byte) error {
	var u user
	if err := json.Unmarshal(doc, &u); err != nil {
		return wrongType
	}
	if u.ID == "" {
		return noID
	}
	if _, ok := d.seen[u.ID]; ok {
		return twice
	}
	d.seen[u.ID] = struct{}{}
	p := d.person(&u)
	d.o.AddPerson(&p)
	return nil
}

// person converts a user. Google does not say what kind of principal a user is: all are employees. The organisational
// unit, by which Google assigns licences, is a group.
func (d *directory) person(u *user) facts.Person {
	p := facts.Person{ID: u.ID, Email: u.Primary, Name: u.Name.Full, Kind: facts.Employee, Status: d.status(u),
		Hired: facts.NoDay, Left: facts.NoDay, LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay, LastSignIn: moment(u.LastLogin)}
	if p.Deleted = moment(u.Deleted).Known(); p.Deleted {
		p.Status = facts.Leaver
	}
	if p.Name == "" {
		p.Name = strings.TrimSpace(u.Name.Given + " " + u.Name.Family)
	}
	if u.Unit != "" && u.Unit != "/" {
		p.Groups = []string{u.Unit}
	}
	emails, ids, relations, positions := d.lists(u)
	p.EmployeeID, p.Manager = first(ids, "organization"), first(relations, "manager")
	at := position{}
	for n, candidate := range positions {
		if n == 0 || candidate.Primary {
			at = candidate
		}
	}
	p.Department, p.CostCentre, p.Role = at.Department, at.CostCentre, at.Title
	p.Aliases = aliases(u, emails)
	return p
}

// status is suspended for archived users too: they keep their data under another licence and cannot sign in.
func (d *directory) status(u *user) facts.Status {
	switch {
	case u.Archived != nil && *u.Archived:
		d.archived++
		return facts.Suspended
	case u.Suspended == nil:
		d.unknown++
		return facts.StatusUnknown
	case *u.Suspended:
		return facts.Suspended
	}
	return facts.Active
}

// address is an element of emails.
type address struct {
	Address string `json:"address"`
}

// lists decodes the lists of a user; one that cannot be decoded is left out.
func (d *directory) lists(u *user) (emails []address, ids, relations []typed, positions []position) {
	odd := false
	for _, list := range []struct {
		text json.RawMessage
		into any
	}{{u.Emails, &emails}, {u.ExternalIDs, &ids}, {u.Relations, &relations}, {u.Positions, &positions}} {
		if len(list.text) > 0 && json.Unmarshal(list.text, list.into) != nil {
			odd = true
		}
	}
	if odd {
		d.odd++
	}
	return emails, ids, relations, positions
}

// first returns the first value of a type.
func first(list []typed, sort string) string {
	for _, element := range list {
		if element.Type == sort && element.Value != "" {
			return element.Value
		}
	}
	return ""
}

// aliases are the other addresses of a user.
func aliases(u *user, emails []address) []string {
	candidates := append(append([]string(nil), u.Aliases...), u.Fixed...)
	for _, e := range emails {
		candidates = append(candidates, e.Address)
	}
	known := map[string]bool{"": true, strings.ToLower(u.Primary): true}
	var all []string
	for _, a := range candidates {
		if fold := strings.ToLower(a); !known[fold] {
			known[fold] = true
			all = append(all, a)
		}
	}
	return all
}

func moment(text string) facts.Instant {
	return instant(jsondoc.Value{Kind: jsondoc.String, Bytes: []byte(text)})
}
