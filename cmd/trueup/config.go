package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"trueup/blob"
	"trueup/connectors"
	"trueup/facts"
	"trueup/reconcile"
	"trueup/schedule"
)

// config is trueup.yaml. Each section's type belongs to the package that uses it; a source's section is decoded by its
// kind.
type config struct {
	Organisation  string             `yaml:"organisation"`
	Timezone      string             `yaml:"timezone"`
	Store         string             `yaml:"store"`
	Archive       string             `yaml:"archive"`
	Publish       []string           `yaml:"publish"`
	S3            blob.S3            `yaml:"s3"`
	Schedule      scheduleSection    `yaml:"schedule"`
	Products      string             `yaml:"products"`
	Contracts     []string           `yaml:"contracts"`
	Policy        string             `yaml:"policy"`
	Identity      reconcile.Identity `yaml:"identity"`
	Calendar      calendarSection    `yaml:"calendar"`
	ArchiveInputs string             `yaml:"archive_inputs"`
	Retention     retentionSection   `yaml:"retention"`
	Keys          keysSection        `yaml:"keys"`
	Notify        notifySection      `yaml:"notify"`
	Serve         serveSection       `yaml:"serve"`
	Licensegen    licensegenSection  `yaml:"licensegen"`
	Sources       []sourceSection    `yaml:"sources"`
}

// The sections below belong to parts that this build does not have; they are accepted so that one configuration serves
// every build, and trueup check names those that have no effect yet.
type (
	retentionSection struct {
		Archive      string `yaml:"archive"`
		Pseudonymise string `yaml:"pseudonymise"`
	}
	keysSection struct {
		Ledger   string `yaml:"ledger"`
		Evidence string `yaml:"evidence"`
	}
	notifySection struct {
		SMTP    string `yaml:"smtp"`
		From    string `yaml:"from"`
		Webhook string `yaml:"webhook"`
	}
	licensegenSection struct {
		Catalogue string `yaml:"catalogue"`
		Keys      string `yaml:"keys"`
		Publish   string `yaml:"publish"`
	}
)

// unused lists the sections that are set and have no effect in this build.
func (c *config) unused() []string {
	var names []string
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"retention", c.Retention != retentionSection{}}, {"keys", c.Keys != keysSection{}}, {"notify", c.Notify != notifySection{}},
		{"licensegen", c.Licensegen != licensegenSection{}},
	} {
		if s.set {
			names = append(names, s.name)
		}
	}
	return names
}

type calendarSection struct {
	Closures []closure `yaml:"closures"`
}

// closure is a day or an interval FROM..TO, inclusive.
type closure reconcile.Closure

// UnmarshalYAML reads either form.
func (c *closure) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	from, to, interval := strings.Cut(text, "..")
	if !interval {
		to = from
	}
	var err error
	if c.From, err = facts.ParseDay(strings.TrimSpace(from)); err != nil {
		return err
	}
	if c.To, err = facts.ParseDay(strings.TrimSpace(to)); err != nil {
		return err
	}
	if c.To < c.From {
		return fmt.Errorf("closure %s ends before it begins", text)
	}
	return nil
}

// sourceSection is one source's section: the keys that all kinds have, and the means to decode it whole once the kind is
// known.
type sourceSection struct {
	Name   string
	Kind   string
	Write  bool
	raw    map[string]any
	decode func(into any) error
}

// UnmarshalYAML looks at the common keys only.
func (s *sourceSection) UnmarshalYAML(unmarshal func(any) error) error {
	s.decode = unmarshal
	if err := unmarshal(&s.raw); err != nil {
		return err
	}
	s.Name, _ = s.raw["name"].(string)
	s.Kind, _ = s.raw["kind"].(string)
	s.Write, _ = s.raw["write"].(bool)
	return nil
}

// settings are the configuration with everything it refers to, read and checked.
type settings struct {
	config
	path      string // of trueup.yaml
	dir       string // relative paths are relative to it
	document  *reconcile.Document
	calendar  *facts.Calendar
	catalogue *reconcile.Catalogue
	policy    *reconcile.Policy
	products  []byte // as read
	rules     []byte
	options   reconcile.Options
	schedules []schedule.Entry // the nightly run, then pulls by source
}

func (s *settings) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.dir, path)
}

// load reads trueup.yaml, products.yaml, policy.yaml and the mapping file. All mistakes come together in one error.
func (a *app) load() (*settings, error) {
	data, err := os.ReadFile(a.config)
	if err != nil {
		return nil, unreadable("configuration", a.config, err)
	}
	s := &settings{path: a.config, dir: filepath.Dir(a.config)}
	s.config = defaults()
	var faults reconcile.Faults
	s.document, _ = reconcile.DecodeStrict(a.config, data, &s.config)
	s.check()
	if err := gather(&faults, s.document.Err()); err != nil {
		return nil, err
	}
	if err := gather(&faults, s.readRules()); err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return nil, faults
	}
	s.options.Build, s.options.Config = a.build, s.digest()
	return s, nil
}

// gather adds the faults in err to all; another error it returns.
func gather(all *reconcile.Faults, err error) error {
	if more, ok := errors.AsType[reconcile.Faults](err); ok {
		*all = append(*all, more...)
		return nil
	}
	return err
}

func defaults() config {
	return config{Timezone: "UTC", Store: "sqlite:var/trueup.db", Archive: "file:var/archive", Publish: []string{"file:out"},
		Products: "products.yaml", Policy: "policy.yaml", ArchiveInputs: "copy", Serve: serveSection{Listen: "127.0.0.1:8080"}}
}

// check validates what strict decoding cannot.
func (s *settings) check() {
	if s.Organisation == "" {
		s.document.Fault("organisation", "is missing", "the name that reports carry")
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil || s.Timezone == "" || s.Timezone == "Local" {
		s.document.Fault("timezone", fmt.Sprintf("%q is no time zone", s.Timezone), "an IANA name such as Europe/Berlin")
		zone = time.UTC
	}
	s.calendar = facts.NewCalendar(zone)
	if !slices.Contains([]string{"copy", "reference"}, s.ArchiveInputs) {
		s.document.Fault("archive_inputs", fmt.Sprintf("%q is not known", s.ArchiveInputs), "copy or reference")
	}
	s.checkLocations()
	s.checkObjects()
	for _, c := range s.Calendar.Closures {
		s.options.Closures = append(s.options.Closures, reconcile.Closure(c))
	}
	s.checkSources()
	s.checkIdentity()
	s.checkSchedules()
	s.checkListen()
}

// checkLocations refuses passwords in addresses: those are shown in messages and stand in the configuration's backups.
func (s *settings) checkLocations() {
	const advice = "secrets never stand in the configuration; "
	refuse := func(key, location, instead string) {
		_, rest, ok := strings.Cut(location, "://")
		authority, _, _ := strings.Cut(rest, "/")
		user, _, named := strings.Cut(authority, "@")
		_, text, _ := strings.Cut(rest, "?")
		query, _ := url.ParseQuery(text) // what of it can be read
		if ok && (named && strings.Contains(user, ":") || query.Has("password") || query.Has("sslpassword")) {
			s.document.Fault(key, "holds a password", advice+instead)
		}
	}
	const leave = "leave the password out"
	refuse("store", s.Store, "leave the password out, or take the whole address from env:NAME or file:PATH")
	refuse("archive", s.Archive, leave)
	for n, target := range s.Publish {
		refuse(fmt.Sprintf("publish[%d]", n), target, leave)
	}
	refuse("s3.endpoint", s.S3.Endpoint, leave)
	refuse("notify.smtp", s.Notify.SMTP, leave)
	refuse("notify.webhook", s.Notify.Webhook, leave)
	refuse("licensegen.publish", s.Licensegen.Publish, leave)
}

// checkObjects looks at where objects are kept: the places themselves, and how buckets are reached.
func (s *settings) checkObjects() {
	locate := func(key, location string) {
		if fault, ok := errors.AsType[*blob.Error](blob.CheckLocation(location)); ok {
			s.document.Fault(key, fault.Error(), fault.Hint)
		}
	}
	locate("archive", s.Archive)
	if len(s.Publish) == 0 {
		s.document.Fault("publish", "names no place", "publish: [file:out], or s3://BUCKET/PREFIX, or several")
	}
	for n, target := range s.Publish {
		locate(fmt.Sprintf("publish[%d]", n), target)
	}
	s.S3.Check(func(key, reason, hint string) { s.document.Fault("s3."+key, reason, hint) })
}

func (s *settings) checkSources() {
	if len(s.Sources) == 0 {
		s.document.Fault("sources", "there are none", "trueup init writes examples")
	}
	seen := map[string]bool{}
	for n, source := range s.Sources {
		key := fmt.Sprintf("sources[%d]", n)
		switch {
		case source.Name == "":
			s.document.Fault(key, "has no name", "name: a short word that products, plans and reports use")
		case strings.ContainsFunc(source.Name, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`/\:`, r) }):
			s.document.Fault(key+".name", fmt.Sprintf("%q holds a space, slash or colon", source.Name), "letters, digits, - and _")
		case seen[source.Name]:
			s.document.Fault(key+".name", fmt.Sprintf("%q stands twice", source.Name), "")
		}
		seen[source.Name] = true
	}
	for n, path := range s.Contracts {
		name := "contracts"
		if n > 0 {
			name = fmt.Sprintf("contracts-%d", n+1)
		}
		if !seen[name] {
			s.Sources = append(s.Sources, contractsSource(name, path))
		}
	}
}

// contractsSource is the section that an entry under contracts: is short for.
func contractsSource(name, path string) sourceSection {
	text, _ := json.Marshal(map[string]any{"name": name, "kind": "csv", "feed": "purchases", "files": path})
	return sourceSection{Name: name, Kind: "csv", raw: map[string]any{"files": path}, decode: func(into any) error {
		_, err := reconcile.DecodeStrict("contracts: "+path, text, into)
		return err
	}}
}

func (s *settings) sourceNames() []string {
	names := make([]string, len(s.Sources))
	for n, source := range s.Sources {
		names[n] = source.Name
	}
	return names
}

func (s *settings) checkIdentity() {
	if len(s.Identity.Authoritative) == 0 {
		s.document.Fault("identity.authoritative", "is missing", "the name of the source whose people are the organisation's")
	}
	for _, name := range s.Identity.Authoritative {
		if !slices.Contains(s.sourceNames(), name) {
			s.document.Fault("identity.authoritative", fmt.Sprintf("%q is no source", name), "sources are "+strings.Join(s.sourceNames(), ", "))
		}
	}
	s.options.Identity = s.Identity
}

// readRules reads the files that the configuration refers to. The error is reconcile.Faults or nil.
func (s *settings) readRules() error {
	var faults reconcile.Faults
	read := func(key, path string) []byte {
		data, err := os.ReadFile(s.resolve(path))
		if err != nil {
			reason, hint := err.Error(), ""
			if errors.Is(err, os.ErrNotExist) {
				reason, hint = path+" does not exist", "paths are relative to "+s.path
			}
			faults = append(faults, reconcile.Fault{File: s.path, Key: key, Reason: reason, Hint: hint})
		}
		return data
	}
	var err error
	if path := s.Identity.MappingFile; path != "" {
		if data := read("identity.mapping", path); data != nil {
			s.options.Identity.Mapping, err = reconcile.ParseMapping(path, data)
			faults = also(faults, err)
		}
	}
	s.products, s.rules = read("products", s.Products), read("policy", s.config.Policy)
	if s.products == nil || s.rules == nil {
		return faults.Err()
	}
	if s.catalogue, err = reconcile.ParseCatalogue(s.Products, s.products); err == nil {
		faults = also(faults, s.catalogue.CheckSources(s.sourceNames()))
		s.policy, err = reconcile.ParsePolicy(s.config.Policy, s.rules, s.catalogue)
	}
	return also(faults, err).Err()
}

// also adds the faults that err consists of.
func also(faults reconcile.Faults, err error) reconcile.Faults {
	if more, ok := errors.AsType[reconcile.Faults](err); ok {
		return append(faults, more...)
	}
	return faults
}

// digest is of what in trueup.yaml bears on decisions: not where things are stored or published.
func (s *settings) digest() facts.Digest {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", s.Organisation, s.Timezone)
	fmt.Fprintf(h, "%q %v\n", s.options.Identity.Authoritative, s.options.Identity.Match)
	for _, old := range slices.Sorted(maps.Keys(s.options.Identity.Domains)) {
		fmt.Fprintf(h, "%q %q\n", old, s.options.Identity.Domains[old])
	}
	fmt.Fprintf(h, "%q\n", s.options.Identity.Mapping)
	fmt.Fprintf(h, "%v\n", s.options.Closures)
	for _, source := range s.Sources {
		raw := maps.Clone(source.raw)
		for _, key := range []string{"endpoint", "login", "client_id", "client_secret"} { // how it is reached, not what it says
			delete(raw, key)
		}
		section, _ := json.Marshal(raw) // keys come sorted
		fmt.Fprintf(h, "%q %s\n", source.Name, section)
	}
	return facts.Digest(h.Sum(nil))
}

// credentials is what the path of a secret may begin with: the folder in which systemd hands credentials to a service, named
// after the unit (systemd.exec(5), section Credentials).
const credentials = "${CREDENTIALS_DIRECTORY}/"

// secret resolves env:NAME, file:PATH and file:${CREDENTIALS_DIRECTORY}/NAME.
func (a *app) secret(s *settings) func(reference string) (string, error) {
	return func(reference string) (string, error) {
		kind, name, _ := strings.Cut(reference, ":")
		switch kind {
		case "env":
			if value := a.getenv(name); value != "" {
				return value, nil
			}
			return "", &connectors.Error{Class: connectors.Unauthorised, Place: reference, Reason: "the environment variable is not set"}
		case "file":
			if rest, ok := strings.CutPrefix(name, credentials); ok {
				if name = filepath.Join(a.getenv("CREDENTIALS_DIRECTORY"), rest); !filepath.IsAbs(name) {
					return "", &connectors.Error{Class: connectors.Unauthorised, Place: reference, Reason: "no credentials were handed over",
						Hint: "systemd does for a service with LoadCredential=; elsewhere write env:NAME or file:PATH"}
				}
			}
			b, err := os.ReadFile(s.resolve(name))
			if err != nil {
				return "", &connectors.Error{Class: connectors.Unauthorised, Place: reference, Reason: "the secret cannot be read", Err: errors.Unwrap(err)}
			}
			return strings.TrimRight(string(b), "\r\n"), nil
		}
		return "", &connectors.Error{Class: connectors.Unauthorised, Reason: "a secret stands in the configuration itself",
			Hint: "write env:NAME or file:PATH"}
	}
}
