package facts

// NotTold stands for a figure that a source does not tell. It is not zero.
const NotTold int64 = -1

// ConcurrentDay is what one of a vendor's concurrent licences came to on one day of the organisation's zone.
type ConcurrentDay struct {
	Product string // the vendor's item: a feature, a SKU
	Day     Day
	// Peak is the most licences that were taken at one time, as far as anybody looked: what is reserved, borrowed or lingers
	// counts, since nobody else could have it.
	Peak     int64
	Limit    int64 // licences that stood when the peak was seen; [NotTold]
	Reserved int64 // the most that were held back by reservations at one time; [NotTold]
	Denied   int64 // requests that were refused for want of a licence; [NotTold]
	Samples  int64 // how often somebody looked; 0 where a log tells every change
	Unseen   int64 // minutes of the longest part of the day of which nothing is known; 0 where all of it is
}

// ConcurrentDays are such days by column; all columns have the same length. Where an item's day stands twice in one
// observation, the larger figure of each column counts, and the smaller of Unseen.
type ConcurrentDays struct {
	Product                                        []Sym
	Day                                            []Day
	Peak, Limit, Reserved, Denied, Samples, Unseen []int64
}

// SourcedConcurrentDays are those of all sources.
type SourcedConcurrentDays struct {
	ConcurrentDays
	Source []SourceID
}

// Len returns the number of rows.
func (p *ConcurrentDays) Len() int { return len(p.Product) }

// At returns row n with its product as text of strings.
func (p *ConcurrentDays) At(n int, strings *Strings) ConcurrentDay {
	return ConcurrentDay{Product: strings.Text(p.Product[n]), Day: p.Day[n], Peak: p.Peak[n], Limit: p.Limit[n],
		Reserved: p.Reserved[n], Denied: p.Denied[n], Samples: p.Samples[n], Unseen: p.Unseen[n]}
}

// AddConcurrentDay appends what an item came to on a day.
func (o *Observation) AddConcurrentDay(d ConcurrentDay) {
	p := &o.Concurrent
	p.Product = append(p.Product, o.Strings.InternString(d.Product))
	p.Day = append(p.Day, d.Day)
	p.Peak = append(p.Peak, d.Peak)
	p.Limit = append(p.Limit, d.Limit)
	p.Reserved = append(p.Reserved, d.Reserved)
	p.Denied = append(p.Denied, d.Denied)
	p.Samples = append(p.Samples, d.Samples)
	p.Unseen = append(p.Unseen, d.Unseen)
}

func (s *Snapshot) absorbConcurrent(source SourceID, from *ConcurrentDays, to []Sym) {
	p := &s.Concurrent
	p.Product = remap(p.Product, from.Product, to)
	p.Day = append(p.Day, from.Day...)
	p.Peak = append(p.Peak, from.Peak...)
	p.Limit = append(p.Limit, from.Limit...)
	p.Reserved = append(p.Reserved, from.Reserved...)
	p.Denied = append(p.Denied, from.Denied...)
	p.Samples = append(p.Samples, from.Samples...)
	p.Unseen = append(p.Unseen, from.Unseen...)
	p.Source = fill(p.Source, source, from.Len())
}
