package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"trueup/facts"
)

// find collects what a person should look at and what is no row, by code, subject and text.
func (a *assembly) find() {
	for n := range a.plan.Snapshot.Inputs {
		a.findInInput(n)
	}
	a.findFeeds()
	a.findItems()
	a.findApplications()
	a.findContracts()
	a.findConcurrent()
	a.findIdentity()
	a.findRules()
	slices.SortFunc(a.plan.Findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(x.Code, y.Code), cmp.Compare(x.Subject, y.Subject), cmp.Compare(x.Text, y.Text))
	})
	a.plan.Findings = slices.Compact(a.plan.Findings)
	a.plan.Complete = true
	for _, f := range a.plan.Findings {
		a.plan.Complete = a.plan.Complete && f.Code != "feed-missing" && f.Code != "feed-incomplete"
	}
}

func (a *assembly) finding(code, subject, format string, args ...any) {
	a.plan.Findings = append(a.plan.Findings, Finding{Code: code, Subject: subject, Text: fmt.Sprintf(format, args...)})
}

func (a *assembly) findInInput(n int) {
	s := a.plan.Snapshot
	input := &s.Inputs[n]
	subject := s.Sources[input.Source].Name + "/" + input.Feed.String()
	if !a.plan.Inputs[n].Complete {
		a.finding("feed-incomplete", subject, "%s; nothing is concluded from what it does not say", reasonIncomplete(input))
	}
	if input.Rejected > 0 {
		a.finding("rows-rejected", subject, "%d of %d records were refused", input.Rejected, input.Rows)
	}
	if input.Feed == facts.FeedSignIns && !input.Outcomes {
		a.finding("outcome-untold", subject, "it does not tell success from failure, so none of its events counts as use")
	}
	if input.After > 0 {
		a.finding("events-after-as-of", subject, "%d events after %s were left out", input.After, s.AsOf)
	}
	for _, note := range input.Notes {
		a.finding("source-note", subject, "%s", note)
	}
}

// findFeeds names feeds that a definition refers to and that were not read.
func (a *assembly) findFeeds() {
	s := a.plan.Snapshot
	read := func(source string, feed facts.Feed) bool {
		id, known := s.SourceNamed(source)
		if known {
			_, known = s.Input(id, feed)
		}
		return known
	}
	need := func(source string, feed facts.Feed, why string) {
		if !read(source, feed) {
			a.finding("feed-missing", source+"/"+feed.String(), "%s", why)
		}
	}
	for _, source := range a.options.Identity.Authoritative {
		need(source, facts.FeedPeople, "it is authoritative and was not read: nobody is orphan or leaver")
	}
	for n := range a.plan.Catalogue.Products {
		p := &a.plan.Catalogue.Products[n]
		for _, source := range slices.Sorted(maps.Keys(p.SeatsFrom)) {
			switch {
			case p.Metric.PerHolder():
				need(source, facts.FeedSeats, "products have their seats from it: nobody is missing one")
			case !read(source, facts.FeedSeats):
				need(source, facts.FeedCounters, "products are counted by it: their use is not known")
			}
		}
		if !p.Metric.PerHolder() {
			continue
		}
		for x := a.question.meter.counted[n].from; x < a.question.meter.counted[n].to; x++ {
			if a.question.meter.slots[x].input < 0 {
				source := slices.Sorted(maps.Keys(p.Activity))[x-a.question.meter.counted[n].from]
				need(source, facts.FeedSignIns, "products have their activity from it: none of their seats is idle")
			}
		}
	}
}

func (a *assembly) findItems() {
	s, x := a.plan.Snapshot, a.question.items
	for unmapped, paths := range x.unmapped {
		a.finding("item-unmapped", s.Sources[unmapped.source].Name+": "+s.Strings.Text(unmapped.sym),
			"%d seat paths of an item that no product names", paths)
	}
	fold := a.question.directory.fold
	for n := range a.plan.Catalogue.Products {
		p := &a.plan.Catalogue.Products[n]
		for _, source := range slices.Sorted(maps.Keys(p.SeatsFrom)) {
			for _, sku := range p.SeatsFrom[source] {
				if x.whole[n] && fold.configured(sku) == noName {
					a.finding("configured-unused", p.ID, "%s has no seat of item %s", source, sku)
				}
			}
		}
	}
	for n := range a.plan.Actions {
		action := &a.plan.Actions[n]
		if target := action.To; target != NoProductID && action.ToItem == "" {
			a.finding("target-has-no-item", a.plan.Catalogue.Products[target].ID, "%s has no item of it",
				s.Sources[action.Source].Name)
		}
	}
}

// findApplications names applications that count as use and that a log has never shown.
func (a *assembly) findApplications() {
	s, m := a.plan.Snapshot, a.question.meter
	type program struct {
		source facts.SourceID
		name   name
	}
	seen := map[program]bool{}
	for n := range s.Sources {
		source := facts.SourceID(n)
		rows := rowsOf(s.SignIns.Source, source)
		symsOf(s.Strings, s.SignIns.Application[rows.from:rows.to]).each(func(sym facts.Sym) { seen[program{source, m.fold.of(sym)}] = true })
	}
	for n := range a.plan.Catalogue.Products {
		p := &a.plan.Catalogue.Products[n]
		for _, definition := range []map[string]Activity{p.Activity, p.Needs} {
			for source, activity := range definition {
				id, known := s.SourceNamed(source)
				for _, application := range activity.Applications {
					if known && !seen[program{id, m.fold.configured(application)}] {
						a.finding("application-never-seen", p.ID, "%s shows no sign-in to %q", source, application)
					}
				}
			}
		}
	}
}

func (a *assembly) findContracts() {
	s, items := a.plan.Snapshot, a.plan.Catalogue.skus()
	for n := range s.Purchases {
		if p := &s.Purchases[n]; p.Product != "" && a.plan.Catalogue.bought(p, items) == NoProductID {
			a.finding("purchase-unknown-product", p.Product, "contract %s names a product that is not in the catalogue", p.Contract)
		}
	}
	for n := range a.contracts {
		c, id := &a.contracts[n], a.plan.Catalogue.Products[n].ID
		if c.overlap {
			a.finding("contract-overlap", id, "rows of one contract are in force together and add up; an order id would tell amendments apart")
		}
		if pool := c.undescribed(a.plan.Catalogue.Pools); pool != "" && len(a.plan.Catalogue.Pools) > 0 {
			a.finding("pool-unknown", id, "its contracts name pool %s, of which products.yaml does not say who is in it: its seats are not divided", pool)
		}
		if len(c.terms) > 1 {
			a.finding("contract-overlap", id, "it is priced in several currencies; only seats with a matching cost centre have a figure")
		}
	}
	for n := range a.plan.Positions {
		if x := &a.plan.Positions[n]; slices.Contains(x.Flags, "counter-mismatch") {
			a.finding("counter-mismatch", a.plan.Catalogue.Products[x.Product].ID,
				"purchased %s by contract, %s by the vendor; assigned %s by the seats read, %s by the vendor",
				figure(x.Purchased), figure(x.CounterPurchased), figure(x.Assigned), figure(x.CounterConsumed))
		}
	}
}

func figure(n *int64) string {
	if n == nil {
		return "unknown"
	}
	return fmt.Sprint(*n)
}

func (a *assembly) findIdentity() {
	s, d := a.plan.Snapshot, a.question.directory
	for _, who := range d.split {
		a.finding("person-disputed", s.Strings.Text(d.people[who].ID), "the keys of this directory row point to several people")
	}
	for who := range d.torn {
		a.finding("person-disputed", s.Strings.Text(d.people[who].ID), "one directory row says that they have left, another that they are there")
	}
	for n, used := range a.question.roster.matcher.used {
		if !used {
			entry := a.options.Identity.Mapping[n]
			a.finding("configured-unused", entry.Account, "the mapping to person %s fits no account", entry.Person)
		}
	}
}

func (a *assembly) findRules() {
	for text, times := range a.question.found.evalFault {
		a.finding("policy-error", "policy", "%s (%d times; what it is about was kept)", text, times)
	}
}
