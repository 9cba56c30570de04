package reconcile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Identity is the identity section of trueup.yaml.
type Identity struct {
	Authoritative Names             `yaml:"authoritative"` // names of sources whose people are the persons
	Match         []MatchKey        `yaml:"match"`         // in order; see [Identity.Keys]
	Domains       map[string]string `yaml:"domains"`       // old domain to the one it is equal to
	MappingFile   string            `yaml:"mapping"`       // a file for [ParseMapping]
	Mapping       []Mapping         `yaml:"-"`             // the operator's own word, before any key
}

// Mapping says that an account is a person, by the operator's word.
type Mapping struct {
	Source  string // "" is any
	Account string // id, login or e-mail
	Person  string // id of the person
}

// Names is a list of names that may be written as one name.
type Names []string

// UnmarshalYAML reads one name or a list.
func (n *Names) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*n = Names{one}
		return nil
	}
	return unmarshal((*[]string)(n))
}

// Keys returns the keys by which accounts are matched, in order: those given, or id, employee_id, email, alias.
func (i *Identity) Keys() []MatchKey {
	if len(i.Match) > 0 {
		return i.Match
	}
	return []MatchKey{MatchID, MatchEmployeeID, MatchEmail, MatchAlias}
}

// UnmarshalText reads the word of a key that a configuration may name.
func (k *MatchKey) UnmarshalText(b []byte) error {
	known := matchKeyNames[MatchID : MatchAlias+1]
	n := slices.Index(known, string(b))
	if n < 0 {
		return &hinted{fmt.Sprintf("%q is no key", b), didYouMean(string(b), known)}
	}
	*k = MatchID + MatchKey(n)
	return nil
}

// Check reports names that stand twice and domains that cannot be.
func (i *Identity) Check(report Report) {
	for n, name := range i.Authoritative {
		if name == "" || slices.Contains(i.Authoritative[:n], name) {
			report("authoritative", fmt.Sprintf("%q is empty or stands twice", name), "")
		}
	}
	for n, key := range i.Match {
		if slices.Contains(i.Match[:n], key) {
			report(fmt.Sprintf("match[%d]", n), fmt.Sprintf("%s stands twice", key), "")
		}
	}
	for _, old := range slices.Sorted(maps.Keys(i.Domains)) {
		to := i.Domains[old]
		key := "domains." + old
		_, chained := i.Domains[to]
		switch {
		case !isDomain(old) || !isDomain(to):
			report(key, fmt.Sprintf("%s: %s is not a pair of domains", old, to), "write old.example: example.com")
		case chained:
			report(key, fmt.Sprintf("%s is itself an old domain", to), "name the domain that counts now")
		}
	}
}

func isDomain(s string) bool {
	return s != "" && s == strings.ToLower(s) && !strings.ContainsAny(s, "@ \t/")
}

// ParseMapping reads the operator's mapping of accounts to persons: a CSV file with the columns account and person, and
// optionally source, in any order. name is the file's name in errors. The error is [Faults], with every bad row.
func ParseMapping(name string, data []byte) ([]Mapping, error) {
	var faults Faults
	fault := func(line, column int, key, reason, hint string) {
		faults = append(faults, Fault{File: name, Line: line, Column: column, Key: key, Reason: reason, Hint: hint})
	}
	if !utf8.Valid(data) {
		fault(0, 0, "", "is not UTF-8", "save the file as UTF-8")
		return nil, faults
	}
	rows := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\uFEFF"))))
	columns, err := mappingColumns(rows)
	if err != nil {
		fault(1, 1, "", err.Error(), "the first row is source,account,person")
		return nil, faults
	}
	var list []Mapping
	seen := map[Mapping]int{}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			var at *csv.ParseError
			if errors.As(err, &at) {
				fault(at.Line, at.Column, "", at.Err.Error(), "")
				if errors.Is(err, csv.ErrFieldCount) {
					continue
				}
			}
			break
		}
		m := Mapping{Account: strings.TrimSpace(row[columns["account"]]), Person: strings.TrimSpace(row[columns["person"]])}
		if n, ok := columns["source"]; ok {
			m.Source = strings.TrimSpace(row[n])
		}
		line, column := rows.FieldPos(0)
		who := Mapping{Source: m.Source, Account: m.Account}
		switch first := seen[who]; {
		case m.Account == "" || m.Person == "":
			fault(line, column, "", "a row needs an account and a person", "")
		case first > 0:
			fault(line, column, "", fmt.Sprintf("%q stands twice; first on line %d", m.Account, first), "")
		default:
			seen[who] = line
			list = append(list, m)
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return list, nil
}

// mappingColumns reads the head of a mapping.
func mappingColumns(rows *csv.Reader) (map[string]int, error) {
	head, err := rows.Read()
	if err == io.EOF {
		return nil, errors.New("is empty")
	}
	if err != nil {
		return nil, err
	}
	columns := map[string]int{}
	for n, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := columns[name]; twice || !slices.Contains([]string{"source", "account", "person"}, name) {
			return nil, fmt.Errorf("column %q is unknown or stands twice", name)
		}
		columns[name] = n
	}
	for _, name := range []string{"account", "person"} {
		if _, ok := columns[name]; !ok {
			return nil, fmt.Errorf("has no column %s", name)
		}
	}
	return columns, nil
}
