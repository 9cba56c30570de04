package google

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/connectors/internal/table"
	"trueup/facts"
)

// members are the names under which pages keep their records: users in the Directory API, items in the other two.
var members = []string{"users", "items"}

// empty are the kinds of the pages, by which one without records is known: it lacks the member that would hold them.
var empty = map[string]bool{"admin#directory#users": true, "admin#reports#activities": true, "licensing#licenseAssignmentList": true}

// lists is what the pages of a feed say about themselves. A feed may be made of several lists, each with pages of its
// own: licences are listed by product.
type lists struct {
	mu      sync.Mutex
	name    string           // of the list to which the records of the page at hand belong
	pages   map[string]*tail // by the name of the list
	ordered bool             // the records of a page are given before the page
}

// tail counts the pages of a list, and those that name a next one.
type tail struct{ count, open int }

// records gives every record of the feed's files to each, from several goroutines only where sign-ins are read, which
// differ by lane. Each returns the name of the record's list, "" if there is only one. Files that are not JSON go to
// tables, if that is not nil.
func (s *source) records(ctx context.Context, p connectors.Pull, o *facts.Observation, tables table.Intake,
	each func(lane int, doc []byte) (string, error)) error {
	l := lists{pages: map[string]*tail{}, ordered: p.Feed != facts.FeedSignIns}
	err := s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error {
		if tables != nil {
			switch first, err := f.Peek(); {
			case err != nil:
				return err
			case first != '{' && first != '[' && first != 0:
				return table.Reader{Delimiter: ','}.Read(ctx, f, tables)
			}
		}
		options := jsondoc.Options{Members: members, Envelope: l.add, MaxDocument: f.Record(), Accept: f.AddRows, Reject: f.Reject}
		if p.Feed == facts.FeedSignIns {
			options.Workers = f.Workers
		}
		return jsondoc.Each(ctx, f, options, func(worker int, doc jsondoc.Doc) error {
			list, err := each(f.Lane+worker, doc.Bytes)
			if err != nil {
				return l.orEmpty(doc, err)
			}
			if l.ordered {
				l.name = list
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	return l.judge(o)
}

// orEmpty takes a document that is no record for a page without records, if it is one.
func (l *lists) orEmpty(doc jsondoc.Doc, refusal error) error {
	var page struct {
		Kind string `json:"kind"`
	}
	if json.Unmarshal(doc.Bytes, &page) != nil || !empty[page.Kind] {
		return refusal
	}
	return l.add(doc.Line, doc.Bytes)
}

// add reads what a page holds besides its records.
func (l *lists) add(line int64, envelope []byte) error {
	var page struct {
		Next string `json:"nextPageToken"`
	}
	if err := json.Unmarshal(envelope, &page); err != nil {
		return &connectors.Error{Class: connectors.Permanent, Line: line, Reason: "not a page of a list of Google's", Err: err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.pages[l.name]
	if t == nil {
		t = &tail{}
		l.pages[l.name] = t
	}
	t.count++
	if page.Next != "" {
		t.open++
	}
	return nil
}

// judge says whether the last page of every list is there: one of its pages must name no next one.
func (l *lists) judge(o *facts.Observation) error {
	for _, name := range slices.Sorted(maps.Keys(l.pages)) {
		if t := l.pages[name]; t.open == 0 || t.open < t.count {
			continue
		}
		reason := "every page has a nextPageToken: the last page is missing"
		if name != "" {
			reason = fmt.Sprintf("every page of %s has a nextPageToken: its last page is missing", name)
		}
		if o.Feed == facts.FeedSignIns { // what is missing is older than what is there
			o.Notes = append(o.Notes, reason)
			continue
		}
		o.Complete = false
		return &connectors.Error{Class: connectors.Incomplete, Reason: reason, Hint: "export all pages"}
	}
	return nil
}
