package workbook

import (
	"strconv"
	"strings"

	"trueup/reconcile"
	"trueup/reports"
)

func (b *book) positions() error {
	s := b.styles
	t, err := b.newTable("Positions", blue, 2, []column{{"Product", 16, s.text, false}, {"Product name", 28, s.text, false},
		{"Pool", 18, s.text, false}, {"Purchased", 11, s.count, true}, {"Vendor says bought", 11, s.count, true},
		{"Vendor says used", 11, s.count, true}, {"Assigned", 10, s.count, true}, {"Active", 9, s.count, true},
		{"Idle", 9, s.count, true}, {"Spare", 9, s.money[0], true}, {"Reclaimable", 12, s.count, true},
		{"Peak", 8, s.count, true}, {"Reserved", 10, s.count, true}, {"Denied", 8, s.count, true}, {"Days at limit", 9, s.count, true}, {"Needed", 9, s.count, true}, {"Can be dropped", 10, s.count, true},
		{"Flags", 34, s.bold, false}, {"Notice by", 12, s.date, true}, {"Ends", 12, s.date, true},
		{"Price per month", 12, s.price, true}, {"Currency", 9, s.text, false}})
	if err != nil {
		return err
	}
	for n := range b.view.Plan.Positions {
		p := &b.view.Plan.Positions[n]
		var price any
		if f, err := strconv.ParseFloat(p.UnitPrice, 64); err == nil {
			price = f
		}
		err := t.add(b.texts.safe(b.view.Plan.Catalogue.Products[p.Product].ID), b.productName(p.Product),
			b.texts.safe(p.Pool), known(p.Purchased), known(p.CounterPurchased), known(p.CounterConsumed), known(p.Assigned),
			known(p.Active), known(p.Idle), known(p.Spare), known(p.Reclaimable), known(p.Peak), known(p.Reserved),
			known(p.Denied), known(p.DaysAtLimit), known(p.Needed), known(p.Reducible), strings.Join(p.Flags, ", "), serial(p.Notice), serial(p.Ends), price, b.texts.safe(p.Currency))
		if err != nil {
			return err
		}
	}
	return t.finish()
}

// known is a figure, or an empty cell where it is not known.
func known(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

// findings lists what is no row, and the records that were refused.
func (b *book) findings() error {
	s := b.styles
	t, err := b.newTable("Findings", muted, 1, []column{{"Finding", 26, s.bold, false}, {"Subject", 34, s.wrap, false},
		{"What was found", 80, s.wrap, false}, {"What it means", 60, s.wrap, false}})
	if err != nil {
		return err
	}
	for _, f := range b.view.Plan.Findings {
		if err := t.add(f.Code, b.texts.safe(f.Subject), b.texts.safe(f.Text), reports.FindingMeaning(f.Code)); err != nil {
			return err
		}
	}
	snapshot := b.view.Plan.Snapshot
	for n := range snapshot.Inputs {
		in := &snapshot.Inputs[n]
		for _, r := range in.Rejects {
			subject := snapshot.Sources[in.Source].Name + "/" + in.Feed.String()
			where := r.File + ", line " + strconv.FormatInt(r.Line, 10) + ": " + r.Reason
			if err := t.add("record refused", b.texts.safe(subject), b.texts.safe(where),
				"The record could not be read and counts nowhere."); err != nil {
				return err
			}
		}
	}
	return t.finish()
}

// terms explains every word of the closed lists but the verdicts, which stand on the cover.
func (b *book) terms() error {
	s := b.styles
	t, err := b.newTable("Terms", muted, 0, []column{{"List", 18, s.text, false}, {"Word", 28, s.bold, false},
		{"Meaning", 100, s.wrap, false}})
	if err != nil {
		return err
	}
	add := func(list, word, meaning string) {
		if err == nil {
			err = t.add(list, word, meaning)
		}
	}
	for _, r := range reconcile.Reasons() {
		add("Reason", r.String(), reports.ReasonMeaning(r))
	}
	for _, k := range reconcile.ActionKinds() {
		add("Action", k.String(), reports.KindMeaning(k))
	}
	for _, state := range reconcile.States() {
		add("State", state.String(), reports.StateMeaning(state))
	}
	for _, flag := range reconcile.PositionFlags() {
		add("Flag of a position", flag, reports.FlagMeaning(flag))
	}
	for _, guard := range reconcile.GuardNames() {
		add("Guard", guard, reports.GuardMeaning(guard))
	}
	for _, state := range []reconcile.GuardState{reconcile.GuardHeld, reconcile.GuardTripped, reconcile.GuardRaised,
		reconcile.GuardNotEvaluated} {
		add("State of a guard", state.String(), reports.GuardStateMeaning(state))
	}
	for _, code := range reconcile.FindingCodes() {
		add("Finding", code, reports.FindingMeaning(code))
	}
	if err != nil {
		return err
	}
	return t.finish()
}

func days(d reconcile.Days) string { return strconv.Itoa(int(d)) + " days" }
