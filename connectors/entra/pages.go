package entra

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

// members are the names under which pages keep their records: "value" in Graph's answers, "records" in what diagnostic
// settings put into storage.
var members = []string{"value", "records"}

// pages is what the pages of a feed say about themselves.
type pages struct {
	mu    sync.Mutex
	count int   // pages
	open  int   // pages that name a next one
	total int64 // the largest @odata.count
}

// records gives every record of the feed's files to each: of sign-ins from several goroutines, which differ by lane.
func (s *source) records(ctx context.Context, p connectors.Pull, o *facts.Observation, each func(lane int, doc []byte) error) error {
	var g pages
	err := s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error {
		options := jsondoc.Options{Members: members, Envelope: g.add, MaxDocument: f.Record(), Accept: f.AddRows, Reject: f.Reject}
		if p.Feed == facts.FeedSignIns {
			options.Workers = f.Workers
		}
		return jsondoc.Each(ctx, f, options, func(worker int, doc jsondoc.Doc) error { return each(f.Lane+worker, doc.Bytes) })
	})
	if err != nil {
		return err
	}
	return g.judge(o)
}

// add reads what a page holds besides its records.
func (g *pages) add(line int64, envelope []byte) error {
	var page struct {
		Next  string `json:"@odata.nextLink"`
		Count int64  `json:"@odata.count"`
	}
	if err := json.Unmarshal(envelope, &page); err != nil {
		return &connectors.Error{Class: connectors.Permanent, Line: line, Reason: "not a page of Graph", Err: err}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count++
	if page.Next != "" {
		g.open++
	}
	g.total = max(g.total, page.Count)
	return nil
}

// judge says whether the last page is there: one of them must name no next page.
func (g *pages) judge(o *facts.Observation) error {
	if g.total > o.Rows {
		o.Notes = append(o.Notes, fmt.Sprintf("@odata.count says %d records, the pages hold %d", g.total, o.Rows))
	}
	if g.open == 0 || g.open < g.count {
		return nil
	}
	const reason = "every page has an @odata.nextLink: the last page is missing"
	if o.Feed == facts.FeedSignIns {
		o.Notes = append(o.Notes, reason)
		return nil
	}
	o.Complete = false
	return &connectors.Error{Class: connectors.Incomplete, Reason: reason, Hint: "export all pages"}
}
