package mapping

import "trueup/facts"

// Positions of the columns of counters.
const (
	counterProduct = iota
	counterPurchased
	counterConsumed
	counterDay
	counterPeak
	counterLimit
	counterReserved
	counterDenied
	counterSamples
	counterUnseen
)

// addCounter reads the vendor's own figures for an item, or, where the row names a day, what concurrent licences of it
// came to on that day.
func (in *Intake) addCounter(row Row) string {
	if reason := in.empty(row, counterProduct); reason != "" {
		return reason
	}
	if len(row[counterDay]) > 0 {
		return in.addConcurrentDay(row)
	}
	if reason := in.empty(row, counterPurchased, counterConsumed); reason != "" {
		return reason
	}
	c := facts.Counter{Product: string(row[counterProduct])}
	var fault string
	if c.Purchased, fault = in.integer(row[counterPurchased]); fault != "" {
		return "purchased " + fault
	}
	if c.Consumed, fault = in.integer(row[counterConsumed]); fault != "" {
		return "consumed " + fault
	}
	in.o.AddCounter(c)
	return ""
}

// addConcurrentDay reads a day. Days after the as-of are left out and counted.
func (in *Intake) addConcurrentDay(row Row) string {
	if reason := in.empty(row, counterPeak); reason != "" {
		return reason
	}
	d := facts.ConcurrentDay{Product: string(row[counterProduct]), Limit: facts.NotTold, Reserved: facts.NotTold, Denied: facts.NotTold}
	var fault string
	if d.Day, fault = in.date(row[counterDay]); fault != "" {
		return "day " + fault
	}
	if !d.Day.Known() {
		return "day is empty"
	}
	for _, figure := range []struct {
		at   int
		into *int64
	}{{counterPeak, &d.Peak}, {counterLimit, &d.Limit}, {counterReserved, &d.Reserved}, {counterDenied, &d.Denied},
		{counterSamples, &d.Samples}, {counterUnseen, &d.Unseen}} {
		if len(row[figure.at]) == 0 {
			continue
		}
		if *figure.into, fault = in.integer(row[figure.at]); fault != "" {
			return in.columns[figure.at].Name + " " + fault
		}
		if *figure.into < 0 {
			return in.columns[figure.at].Name + " is negative"
		}
	}
	if d.Day > in.calendar.Day(in.pull.AsOf) {
		in.o.Later++
		return ""
	}
	in.o.AddConcurrentDay(d)
	return ""
}
