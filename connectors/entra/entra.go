// Package entra reads exports of Microsoft Entra ID and changes licences through Microsoft Graph.
//
// Exports are answers of Graph v1.0 as they come, one page or several in a file or a folder: /users for people and seats,
// /auditLogs/signIns or the records of diagnostic settings for sign-ins, /subscribedSkus for counters. They follow the
// Graph reference (learn.microsoft.com/graph/api) for user, signIn, licenseAssignmentState and subscribedSku. Writes
// are calls of user: assignLicense.
//
// Accounts are keyed by the user's id and licences by skuId, both GUIDs, in lower case. Of what Graph tells about
// activity only successful sign-ins are believed: lastSignInDateTime and lastNonInteractiveSignInDateTime also move by
// failed attempts, so LastSignIn comes from lastSuccessfulSignInDateTime alone, and 0001-01-01 means never.
package entra

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/saas"
	"trueup/facts"
)

const kind = "entra"

// lag allows for sign-ins that Entra writes late: Microsoft's documents speak of minutes, diagnostic exports show up to
// four, and it names no bound.
const lag = 2 * time.Hour

var feeds = []facts.Feed{facts.FeedPeople, facts.FeedSeats, facts.FeedCounters, facts.FeedSignIns}

// Descriptor describes the kind.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{Kind: kind, Title: "Microsoft Entra ID", Exports: feeds, Lag: lag, Open: open,
		Writes: []connectors.Verb{connectors.VerbRevoke, connectors.VerbAssign, connectors.VerbSwap, connectors.VerbProbe}}
}

// Config is an Entra source's section. The keys below are needed with write: true only.
type Config struct {
	connectors.Exports `yaml:",inline"`

	Tenant       string `yaml:"tenant"`        // domain or id
	ClientID     string `yaml:"client_id"`     // of an app registration with LicenseAssignment.ReadWrite.All and User.Read.All
	ClientSecret string `yaml:"client_secret"` // a reference: env:NAME or file:PATH
	Endpoint     string `yaml:"endpoint"`      // of Graph, for national clouds; https://graph.microsoft.com if empty
	Login        string `yaml:"login"`         // of the token service; https://login.microsoftonline.com if empty
}

type source struct{ exports.Source }

func open(section connectors.Section) (connectors.Source, error) {
	var c Config
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	files, err := exports.NewSource(section, &c.Exports, feeds, "files: {people: PATTERN, sign-ins: PATTERN}")
	errs := []error{err}
	var client *saas.Client
	if c.Write {
		client, err = c.client(section.Secret)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%s: %w", section.Name, err)
	}
	s := &source{files}
	s.ReadBy(map[facts.Feed]exports.Reader{facts.FeedPeople: s.people, facts.FeedSeats: s.seats, facts.FeedCounters: s.counters,
		facts.FeedSignIns: s.signIns})
	if c.Write {
		return &writer{s, client}, nil
	}
	return s, nil
}

var tenants = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)

// client returns a client of Graph, or all that is wrong with the keys it needs.
func (c *Config) client(secret func(string) (string, error)) (*saas.Client, error) {
	var errs []error
	need := func(ok bool, key, reason string) {
		if !ok {
			errs = append(errs, &connectors.Error{Place: key, Reason: reason, Hint: "write: true needs it"})
		}
	}
	need(tenants.MatchString(c.Tenant), "tenant", "want the tenant's domain or id")
	need(c.ClientID != "", "client_id", "missing")
	need(c.ClientSecret != "", "client_secret", "want a reference, as env:NAME or file:PATH")
	endpoint, err := address(c.Endpoint, "https://graph.microsoft.com")
	need(err == nil, "endpoint", fmt.Sprint(err))
	login, err := address(c.Login, "https://login.microsoftonline.com")
	need(err == nil, "login", fmt.Sprint(err))
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return saas.NewClient(endpoint, saas.Credentials{Token: login.JoinPath(c.Tenant, "oauth2/v2.0/token"), ClientID: c.ClientID,
		Scope: endpoint.String() + "/.default", Secret: func() (string, error) { return secret(c.ClientSecret) }}), nil
}

func address(configured, standard string) (*url.URL, error) {
	if configured == "" {
		configured = standard
	}
	return saas.ParseAddress(configured)
}
