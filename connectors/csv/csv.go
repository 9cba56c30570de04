// Package csv reads tables in text files, as in RFC 4180, with any delimiter and any columns, for every feed: the kind
// for exports whose columns the operator names. A file starts with a header. Records that are too short or too long, or
// whose quotation marks do not pair, are rejected with their line.
package csv

import (
	"context"
	"fmt"
	"unicode/utf8"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/mapping"
	"trueup/connectors/internal/table"
	"trueup/facts"
)

// Config is a source's section.
type Config struct {
	connectors.Exports `yaml:",inline"`
	mapping.Settings   `yaml:",inline"`
	CSV                Dialect `yaml:"csv"`
}

// Dialect says how the file is written.
type Dialect struct {
	// Delimiter stands between fields, one ASCII character. Without it, the one of comma, semicolon, tab and bar that
	// gives a header with the wanted columns is taken.
	Delimiter       string `yaml:"delimiter"`
	mapping.Writing `yaml:",inline"`
}

// Descriptor describes the kind.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{Kind: "csv", Title: "CSV files", Exports: facts.Feeds(), Open: open}
}

func open(section connectors.Section) (connectors.Source, error) {
	var c Config
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	var r table.Reader
	if d := c.CSV.Delimiter; d != "" {
		if len(d) != 1 || d[0] == '"' || d[0] == '\r' || d[0] == '\n' || d[0] == 0 || d[0] >= utf8.RuneSelf {
			return nil, fmt.Errorf("%s: %w", section.Name, &connectors.Error{Place: "csv.delimiter", Reason: fmt.Sprintf("%q is no delimiter", d),
				Hint: `write one character: ",", ";", "|" or "\t"`})
		}
		r.Delimiter = d[0]
	}
	source, err := mapping.Open(section, &c.Exports, c.Settings, c.CSV.Writing,
		func(ctx context.Context, f *exports.File, in *mapping.Intake) error { return r.Read(ctx, f, in) })
	if err != nil {
		return nil, err // not source, which would be a nil pointer in an interface
	}
	return source, nil
}
