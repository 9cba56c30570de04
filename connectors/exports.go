package connectors

import (
	"cmp"
	"fmt"
	"slices"

	"trueup/facts"
)

// Exports are the keys that every kind which reads files has in common; a driver's configuration struct embeds it with
// `yaml:",inline"`.
type Exports struct {
	Name     string       `yaml:"name"`
	Kind     string       `yaml:"kind"`
	Feed     *facts.Feed  `yaml:"feed"`  // the one feed of a generic file
	Feeds    []facts.Feed `yaml:"feeds"` // of a live API
	Files    Files        `yaml:"files"`
	Coverage Coverage     `yaml:"coverage"`
	Write    bool         `yaml:"write"` // without it the source is never written to
}

// Coverage is the interval, inclusive, that an export covers by the operator's word.
type Coverage struct {
	From facts.Day `yaml:"from"`
	To   facts.Day `yaml:"to"`
}

// Pattern is a glob of files, tied to a product where the format itself does not name one.
type Pattern struct {
	Glob    string
	Product string
}

// Files says which files hold which feed. In YAML it is one glob or a list of globs, for a source with a single feed, or
// a mapping from feed to a glob, a list of globs, or a mapping from product to a glob or list.
type Files struct {
	Single []Pattern // the form without feeds
	ByFeed map[facts.Feed][]Pattern
}

// UnmarshalYAML reads any of the forms.
func (f *Files) UnmarshalYAML(unmarshal func(any) error) error {
	var raw any
	if err := unmarshal(&raw); err != nil {
		return err
	}
	if m, ok := raw.(map[string]any); ok {
		f.ByFeed = map[facts.Feed][]Pattern{}
		for key, value := range m {
			var feed facts.Feed
			if err := feed.UnmarshalText([]byte(key)); err != nil {
				return fmt.Errorf("files: %w", err)
			}
			patterns, err := patterns(value)
			if err != nil {
				return fmt.Errorf("files: %s: %w", key, err)
			}
			f.ByFeed[feed] = patterns
		}
		return nil
	}
	var err error
	f.Single, err = patterns(raw)
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	return nil
}

func patterns(value any) ([]Pattern, error) {
	switch v := value.(type) {
	case string:
		return []Pattern{{Glob: v}}, nil
	case []any:
		var all []Pattern
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("want a file pattern, got %v", item)
			}
			all = append(all, Pattern{Glob: s})
		}
		return all, nil
	case map[string]any:
		var all []Pattern
		for product, value := range v {
			some, err := patterns(value)
			if err != nil {
				return nil, err
			}
			for _, p := range some {
				if p.Product != "" {
					return nil, fmt.Errorf("product %q: want a file pattern or a list of them", product)
				}
				all = append(all, Pattern{Glob: p.Glob, Product: product})
			}
		}
		slices.SortStableFunc(all, func(a, b Pattern) int { return cmp.Compare(a.Product, b.Product) })
		return all, nil
	}
	return nil, fmt.Errorf("want a file pattern, a list of them, or a mapping from product to them, got %v", value)
}

// Patterns returns which files hold which feed. Can are the feeds that the kind reads from files. Its errors name the key.
func (e *Exports) Patterns(can []facts.Feed) (map[facts.Feed][]Pattern, error) {
	byFeed := e.Files.ByFeed
	switch {
	case len(e.Feeds) > 0:
		return nil, &Error{Place: "feeds", Reason: fmt.Sprintf("kind %s reads files", e.Kind), Hint: "name them under files:"}
	case e.Feed == nil && len(e.Files.Single) > 0:
		return nil, &Error{Place: "files", Reason: "want a mapping from feed to files, or the feed under feed:",
			Hint: "write feed: people, or files: {people: …}"}
	case e.Feed != nil && byFeed != nil:
		return nil, &Error{Place: "feed", Reason: "files: names feeds already", Hint: "leave feed: out"}
	case e.Feed != nil:
		byFeed = map[facts.Feed][]Pattern{*e.Feed: e.Files.Single}
	}
	for _, feed := range facts.Feeds() {
		switch patterns, named := byFeed[feed]; {
		case named && !slices.Contains(can, feed):
			return nil, &Error{Place: "files", Reason: fmt.Sprintf("kind %s has no %s feed", e.Kind, feed)}
		case named && (len(patterns) == 0 || slices.ContainsFunc(patterns, func(p Pattern) bool { return p.Glob == "" })):
			return nil, &Error{Place: "files", Reason: fmt.Sprintf("no file is named for the %s feed", feed)}
		}
	}
	return byFeed, nil
}

// Declare writes what the operator says about the coverage of a log into its observation.
func (c Coverage) Declare(o *facts.Observation, calendar *facts.Calendar) {
	if c.From != 0 {
		o.From = calendar.Start(c.From)
	}
	if c.To != 0 {
		o.To = calendar.End(c.To)
	}
}
