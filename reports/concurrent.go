package reports

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"trueup/facts"
	"trueup/reconcile"
)

// ExplainedUse is the position of a concurrent product with the days that it rests on, for people and, as JSON, for
// programs. Figures that are not known are null.
type ExplainedUse struct {
	Product     string          `json:"product"`
	Name        string          `json:"name"`
	Purchased   *int64          `json:"purchased"`
	Served      *int64          `json:"counter_purchased"`
	Now         *int64          `json:"counter_consumed"`
	Peak        *int64          `json:"peak"`
	Reserved    *int64          `json:"reserved"`
	Denied      *int64          `json:"denied"`
	DaysAtLimit *int64          `json:"days_at_limit"`
	Spare       *int64          `json:"spare"`
	Needed      *int64          `json:"needed"`
	Reducible   *int64          `json:"reducible"`
	Flags       []string        `json:"flags"`
	Notice      facts.Day       `json:"notice"`
	From        facts.Day       `json:"from"` // of the window
	To          facts.Day       `json:"to"`
	Missing     []reconcile.Gap `json:"missing"` // days of the window of which too little is known
	Days        []ExplainedDay  `json:"days"`
}

// ExplainedDay is one day of a concurrent product.
type ExplainedDay struct {
	Day      facts.Day `json:"day"`
	Peak     int64     `json:"peak"`
	Limit    *int64    `json:"limit"`
	Reserved *int64    `json:"reserved"`
	Denied   *int64    `json:"denied"`
	Seen     bool      `json:"seen"` // somebody looked all day
}

// ExplainUse returns how the position of a concurrent product came about; nil if there is no such product, or nothing is
// known of its use.
func ExplainUse(v *View, product string) *ExplainedUse {
	id, known := v.Plan.Catalogue.Lookup(product)
	if !known {
		return nil
	}
	use := concurrentOf(v.Plan, id)
	if use == nil {
		return nil
	}
	e := &ExplainedUse{Product: product, Name: v.ProductName(id), From: use.From, To: use.To,
		Missing: append([]reconcile.Gap{}, use.Missing...)}
	for n := range v.Plan.Positions {
		if p := &v.Plan.Positions[n]; p.Product == id && p.Peak != nil {
			e.Purchased, e.Served, e.Now, e.Peak, e.Reserved, e.Denied = p.Purchased, p.CounterPurchased, p.CounterConsumed, p.Peak, p.Reserved, p.Denied
			e.DaysAtLimit, e.Spare, e.Needed, e.Reducible, e.Notice = p.DaysAtLimit, p.Spare, p.Needed, p.Reducible, p.Notice
			e.Flags = append([]string{}, p.Flags...)
		}
	}
	for n := range use.Days {
		d := &use.Days[n]
		e.Days = append(e.Days, ExplainedDay{Day: d.Day, Peak: d.Peak, Limit: told(d.Limit), Reserved: told(d.Reserved),
			Denied: told(d.Denied), Seen: d.Seen})
	}
	return e
}

// concurrentOf returns what a plan knows of a product's concurrent use; nil if nothing.
func concurrentOf(p *reconcile.Plan, id reconcile.ProductID) *reconcile.Concurrency {
	for n := range p.Concurrent {
		if p.Concurrent[n].Product == id {
			return &p.Concurrent[n]
		}
	}
	return nil
}

func told(n int64) *int64 {
	if n == facts.NotTold {
		return nil
	}
	return &n
}

// WriteUse writes an explanation for people: the figures, and the days on which the peak was reached, all licences were
// out, or somebody was refused.
func WriteUse(w io.Writer, e *ExplainedUse, color bool) error {
	t := &printer{out: bufio.NewWriter(w), width: 100, color: color}
	t.heading(printable(e.Product + ", " + e.Name))
	line := func(name, text string) { t.wrap(text, 15, fmt.Sprintf("    %-10s ", name)) }
	line("flags", strings.Join(e.Flags, ", "))
	line("bought", figure(e.Purchased)+" by contract, "+figure(e.Served)+" by the licence server")
	line("peak", fmt.Sprintf("%s out at one time, of which %s reserved; %s out at the last look", figure(e.Peak), figure(e.Reserved), figure(e.Now)))
	line("at limit", fmt.Sprintf("on %s days; %s requests refused for want of a licence", figure(e.DaysAtLimit), figure(e.Denied)))
	line("window", fmt.Sprintf("%s to %s, gaps: %d", e.From, e.To, len(e.Missing)))
	for _, gap := range e.Missing {
		line("gap", fmt.Sprintf("%s to %s: too little is known, so that nothing is proposed to be dropped", gap.From, gap.To))
	}
	line("needed", figure(e.Needed)+", the peak and the buffer")
	reducible := figure(e.Reducible) + " at the next notice date"
	if e.Notice.Known() {
		reducible += ", " + e.Notice.String()
	}
	line("to drop", reducible)
	for n := range e.Days {
		d := &e.Days[n]
		full := d.Limit != nil && *d.Limit > 0 && d.Peak >= *d.Limit
		if e.Peak != nil && d.Peak == *e.Peak || full || d.Denied != nil && *d.Denied > 0 {
			line("day", fmt.Sprintf("%s: %s of %s out, %s refused", d.Day, figure(&d.Peak), figure(d.Limit), figure(d.Denied)))
		}
	}
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("reports: write use: %w", err)
	}
	return nil
}
