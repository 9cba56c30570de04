package exports

import "trueup/facts"

// Spans are what several logs that make up one feed cover, each from its first to its last event, by a number that the
// kind gives each log. One log says nothing about the silence of another.
type Spans []Span

// Span is what one log covers.
type Span struct{ First, Last facts.Instant }

// NewSpans returns the spans of so many logs without an event.
func NewSpans(logs int) Spans {
	s := make(Spans, logs)
	for n := range s {
		s[n] = Span{facts.NoInstant, facts.NoInstant}
	}
	return s
}

// Add takes down that a log has an event at a moment.
func (s Spans) Add(log int, at facts.Instant) {
	if have := &s[log]; !have.First.Known() || at < have.First {
		have.First = at
	}
	s[log].Last = max(s[log].Last, at)
}

// Widen takes the events of other into account.
func (s Spans) Widen(other Spans) {
	for n, span := range other {
		if span.First.Known() {
			s.Add(n, span.First)
			s.Add(n, span.Last)
		}
	}
}

// Declare writes the interval that all logs with events cover into the observation, which may be empty. What the operator
// declared stands.
func (s Spans) Declare(o *facts.Observation) {
	all := Span{facts.NoInstant, facts.NoInstant}
	for _, span := range s {
		if !span.First.Known() {
			continue
		}
		all.First = max(all.First, span.First)
		if !all.Last.Known() || span.Last < all.Last {
			all.Last = span.Last
		}
	}
	if !o.From.Known() {
		o.From = all.First
	}
	if !o.To.Known() {
		o.To = all.Last
	}
}
