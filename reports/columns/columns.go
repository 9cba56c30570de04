// Package columns writes all rows of a plan as one Parquet file (Apache Parquet format 2, zstd), for the archive and for
// whoever wants to compute with them. It is flat: the columns are those of the CSV form, with types.
package columns

import (
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reports"
)

// Record is one row. A nil field is not known, or does not apply. Instants are UTC, amounts are in units of a
// ten-thousandth of the currency's main unit whatever the currency, so that one column has one scale.
type Record struct {
	Holder       string  `parquet:"holder"`
	Name         string  `parquet:"name"`
	Department   string  `parquet:"department,dict"`
	CostCentre   string  `parquet:"cost_centre,dict"`
	Pool         string  `parquet:"pool,dict"`
	Situation    string  `parquet:"situation,dict"`
	Account      string  `parquet:"account"`
	Source       string  `parquet:"source,dict"`
	Product      string  `parquet:"product,dict"`
	Paths        string  `parquet:"paths,dict"`
	Verdict      string  `parquet:"verdict,dict"`
	Reasons      string  `parquet:"reasons,dict"`
	Rule         string  `parquet:"rule,dict"`
	LastActivity *int64  `parquet:"last_activity,optional,timestamp(millisecond)"`
	IdleDays     *int32  `parquet:"idle_days,optional"`
	Due          *int32  `parquet:"due,optional,date"`
	Covering     string  `parquet:"covering,dict"`
	SignalSource string  `parquet:"signals.source,dict"`
	SignalLast   string  `parquet:"signals.last"`
	SignalFrom   string  `parquet:"signals.from,dict"`
	SignalTo     string  `parquet:"signals.to,dict"`
	SignalWhole  string  `parquet:"signals.complete,dict"`
	ActionID     *string `parquet:"action.id,optional"`
	ActionKind   string  `parquet:"action.kind,dict"`
	ActionTo     string  `parquet:"action.to,dict"`
	ActionState  string  `parquet:"action.state,dict"`
	ActionDue    *int32  `parquet:"action.due,optional,date"`
	ActionRole   string  `parquet:"action.role,dict"`
	ActionBy     string  `parquet:"action.by,dict"`
	ActionAfter  *int32  `parquet:"action.after,optional"`
	ActionDetail string  `parquet:"action.detail,dict"`
	Currency     *string `parquet:"money.currency,optional,dict"`
	Exposure     *int64  `parquet:"money.exposure,optional,decimal(4:18)"`
	Reassignable *int64  `parquet:"money.reassignable,optional,decimal(4:18)"`
	Reducible    *int64  `parquet:"money.reducible,optional,decimal(4:18)"`
	Effective    *int32  `parquet:"money.effective,optional,date"`
}

const (
	scale     = 4       // decimal places of the money columns
	groupRows = 128_000 // rows of one row group: what a writer holds in memory
	batch     = 256
)

// Write streams the rows of a view. Its bytes depend on the plan and the outcomes alone.
func Write(w io.Writer, v *reports.View) error {
	out := parquet.NewGenericWriter[Record](w, parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.CreatedBy("trueup", "1", ""), parquet.MaxRowsPerRowGroup(groupRows),
		parquet.KeyValueMetadata("plan", v.Plan.ID), parquet.KeyValueMetadata("digest", v.Plan.Digest.String()),
		parquet.KeyValueMetadata("as_of", v.Plan.AsOf.String()))
	records := make([]Record, 0, batch)
	for row := range v.Rows() {
		record, err := recordOf(row)
		if err != nil {
			return fmt.Errorf("columns: row %d: %w", row.Index, err)
		}
		if records = append(records, record); len(records) < batch {
			continue
		}
		if _, err := out.Write(records); err != nil {
			return fmt.Errorf("columns: %w", err)
		}
		records = records[:0]
	}
	if _, err := out.Write(records); err != nil {
		return fmt.Errorf("columns: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("columns: %w", err)
	}
	return nil
}

// Read returns the rows of a file that [Write] wrote.
func Read(r io.ReaderAt, size int64) ([]Record, error) {
	file, err := parquet.OpenFile(r, size)
	if err != nil {
		return nil, fmt.Errorf("columns: %w", err)
	}
	in := parquet.NewGenericReader[Record](file)
	defer in.Close()
	records := make([]Record, in.NumRows())
	for done := 0; done < len(records); {
		n, err := in.Read(records[done:])
		if done += n; err != nil && done < len(records) {
			return nil, fmt.Errorf("columns: row %d: %w", done, err)
		}
	}
	return records, nil
}

func recordOf(r *reports.Row) (Record, error) {
	a, m := &r.Action, &r.Money
	record := Record{Holder: r.Holder, Name: r.Name, Department: r.Department, CostCentre: r.CostCentre, Pool: r.Pool,
		Situation: r.Situation.String(), Account: r.Account, Source: r.Source, Product: r.Product.ID, Paths: r.JoinPaths(),
		Verdict: r.Verdict.String(), Reasons: r.JoinReasons(), Rule: r.Rule, Due: day(r.Due), Covering: r.Covering,
		SignalSource: r.JoinSignals(func(s reports.Signal) string { return s.Source }),
		SignalLast:   r.JoinSignals(func(s reports.Signal) string { return s.Last.String() }),
		SignalFrom:   r.JoinSignals(func(s reports.Signal) string { return s.From.String() }),
		SignalTo:     r.JoinSignals(func(s reports.Signal) string { return s.To.String() }),
		SignalWhole:  r.JoinSignals(func(s reports.Signal) string { return fmt.Sprint(s.Complete) }),
		ActionKind:   a.Kind.String(), ActionTo: a.To, ActionState: a.State.String(), ActionDue: day(a.Due),
		ActionRole: a.Role, ActionBy: a.By, ActionDetail: a.Detail}
	if r.LastUse.Known() {
		at := int64(r.LastUse)
		record.LastActivity = &at
	}
	if r.IdleDays >= 0 {
		idle := int32(r.IdleDays)
		record.IdleDays = &idle
	}
	if a.After > 0 {
		after := int32(a.After)
		record.ActionAfter = &after
	}
	if a.Kind != reconcile.Keep {
		id := a.ID.String()
		record.ActionID = &id
	}
	if m.Currency == "" {
		return record, nil
	}
	currency := m.Currency
	record.Currency, record.Effective = &currency, day(m.Effective)
	var err error
	for _, amount := range []struct {
		minor int64
		to    **int64
	}{{m.Exposure, &record.Exposure}, {m.Reassignable, &record.Reassignable}, {m.Reducible, &record.Reducible}} {
		if *amount.to, err = scaled(amount.minor, currency); err != nil {
			return record, err
		}
	}
	return record, nil
}

// scaled is an amount of minor units in ten-thousandths of the main unit.
func scaled(minor int64, currency string) (*int64, error) {
	for n := reconcile.MinorDigits(currency); n < scale; n++ {
		if minor > math.MaxInt64/10 || minor < math.MinInt64/10 {
			return nil, fmt.Errorf("%s %s is more than a column holds", reports.Amount(minor, currency), currency)
		}
		minor *= 10
	}
	return &minor, nil
}

func day(d facts.Day) *int32 {
	if !d.Known() {
		return nil
	}
	n := int32(d)
	return &n
}
