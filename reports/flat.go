package reports

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"trueup/reconcile"
)

// Columns lists the columns of the flat form in order: the names of the plan's rows in JSON, nested ones with a dot. A
// cell with several values separates them by ";"; the signals.* columns are parallel lists.
func Columns() []string {
	return []string{"holder", "name", "department", "cost_centre", "pool", "situation", "account", "source", "product", "paths",
		"verdict", "reasons", "rule", "last_activity", "idle_days", "due", "covering",
		"signals.source", "signals.last", "signals.from", "signals.to", "signals.complete",
		"action.id", "action.kind", "action.to", "action.state", "action.due", "action.role", "action.by", "action.after", "action.detail",
		"money.currency", "money.exposure", "money.reassignable", "money.reducible", "money.effective"}
}

// WriteCSV writes the rows of a plan flat (RFC 4180, UTF-8, LF), with a header line of [Columns]. What is not known is
// an empty cell. Text that a spreadsheet would take for a formula stands as it is: the workbook is the form for
// spreadsheets.
func WriteCSV(w io.Writer, v *View) error {
	out := csv.NewWriter(w)
	err := out.Write(Columns())
	cells := make([]string, 0, len(Columns()))
	for row := range v.Rows() {
		if err != nil {
			break
		}
		cells = row.AppendCells(cells[:0])
		err = out.Write(cells)
	}
	if err == nil {
		out.Flush()
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("reports: write plan as CSV: %w", err)
	}
	return nil
}

// AppendCells appends the row's cells as text, in the order of [Columns].
func (r *Row) AppendCells(cells []string) []string {
	cells = append(cells, r.Holder, r.Name, r.Department, r.CostCentre, r.Pool, r.Situation.String(), r.Account, r.Source,
		r.Product.ID, r.JoinPaths(), r.Verdict.String(), r.JoinReasons(), r.Rule, r.LastUse.String(), r.idle(),
		r.Due.String(), r.Covering)
	cells = append(cells, r.JoinSignals(func(s Signal) string { return s.Source }),
		r.JoinSignals(func(s Signal) string { return s.Last.String() }),
		r.JoinSignals(func(s Signal) string { return s.From.String() }),
		r.JoinSignals(func(s Signal) string { return s.To.String() }),
		r.JoinSignals(func(s Signal) string { return strconv.FormatBool(s.Complete) }))
	a := &r.Action
	id := ""
	if a.Kind != reconcile.Keep {
		id = a.ID.String()
	}
	cells = append(cells, id, a.Kind.String(), a.To, a.State.String(), a.Due.String(), a.Role, a.By, a.after(), a.Detail)
	m := &r.Money
	if m.Currency == "" {
		return append(cells, "", "", "", "", "")
	}
	return append(cells, m.Currency, Amount(m.Exposure, m.Currency), Amount(m.Reassignable, m.Currency),
		Amount(m.Reducible, m.Currency), m.Effective.String())
}

func (a *Action) after() string {
	if a.After == 0 {
		return ""
	}
	return strconv.Itoa(a.After)
}

func (r *Row) idle() string {
	if r.IdleDays < 0 {
		return ""
	}
	return strconv.Itoa(r.IdleDays)
}

// JoinPaths writes the paths of the seat with ";" between them.
func (r *Row) JoinPaths() string { return strings.Join(r.Paths, ";") }

// JoinReasons writes the reasons with ";" between them.
func (r *Row) JoinReasons() string { return join(r.Reasons, reconcile.Reason.String) }

// JoinSignals writes one property of each signal with ";" between them.
func (r *Row) JoinSignals(property func(Signal) string) string { return join(r.Signals, property) }

func join[T any](list []T, word func(T) string) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return word(list[0])
	}
	words := make([]string, len(list))
	for n, v := range list {
		words[n] = word(v)
	}
	return strings.Join(words, ";")
}
