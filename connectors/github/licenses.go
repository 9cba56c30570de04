package github

import (
	"encoding/json"
	"strings"

	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

// licensedUser is a user of GET /enterprises/{enterprise}/consumed-licenses: of github.com, of Enterprise Server, or of a
// Visual Studio subscription that includes GitHub, or of several of these.
type licensedUser struct {
	Login           string   `json:"github_com_login"` // "" for users of Enterprise Server only
	Name            string   `json:"github_com_name"`
	Cloud           bool     `json:"github_com_user"`
	Server          bool     `json:"enterprise_server_user"`
	Subscriber      bool     `json:"visual_studio_subscription_user"`
	License         string   `json:"license_type"`
	Roles           []string `json:"github_com_member_roles"` // ORGANISATION:ROLE
	NameID          string   `json:"github_com_saml_name_id"`
	Verified        []string `json:"github_com_verified_domain_emails"`
	ServerIDs       []string `json:"enterprise_server_user_ids"` // HOST:ID
	ServerEmails    []string `json:"enterprise_server_emails"`
	SubscriberEmail string   `json:"visual_studio_subscription_email"`
}

func decodeUser(doc []byte) (*licensedUser, error) {
	var u licensedUser
	switch err := json.Unmarshal(doc, &u); {
	case err != nil:
		return nil, jsondoc.Malformed("a licensed user with a member of the wrong type")
	case u.account() == "":
		return nil, jsondoc.Malformed("a licensed user without a login, a server's id or an address")
	}
	return &u, nil
}

// account is the login, else the id on the first server, else an address.
func (u *licensedUser) account() string {
	if u.Login != "" {
		return u.Login
	}
	for _, list := range [][]string{u.ServerIDs, u.emails()} {
		if len(list) > 0 && list[0] != "" {
			return list[0]
		}
	}
	return ""
}

// emails are the addresses of a user, those that the enterprise verified first. A SAML name id is one if it looks so.
func (u *licensedUser) emails() []string {
	known := map[string]bool{"": true}
	var all []string
	add := func(e string) {
		if fold := strings.ToLower(e); !known[fold] {
			known[fold] = true
			all = append(all, e)
		}
	}
	for _, e := range u.Verified {
		add(e)
	}
	if strings.Contains(u.NameID, "@") {
		add(u.NameID)
	}
	for _, e := range u.ServerEmails {
		add(e)
	}
	add(u.SubscriberEmail)
	return all
}

// product tells users of Enterprise Server only from the others: the audit log of github.com says nothing about them.
func (u *licensedUser) product() string {
	product := strings.ToLower(u.License)
	if product == "" {
		product = "enterprise"
	}
	if u.Server && !u.Cloud {
		product += "-server"
	}
	return product
}

// subscription is the path of a licence that comes with a Visual Studio subscription, and goes with it.
const subscription = "group:Visual Studio subscription"

func (u *licensedUser) path() string {
	if u.Subscriber {
		return subscription
	}
	return "direct"
}

// person is the user as a person. The list holds nobody who does not consume a licence.
func (u *licensedUser) person() facts.Person {
	p := facts.Person{ID: u.account(), Name: u.Name, Kind: facts.Employee, Status: facts.Active, Groups: u.Roles,
		Hired: facts.NoDay, Left: facts.NoDay, LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay, LastSignIn: facts.NoInstant}
	if emails := u.emails(); len(emails) > 0 {
		p.Email, p.Aliases = emails[0], emails[1:]
	}
	return p
}
