package exports

import "cmp"

// Limits bound what one input may cost. A zero field means its default.
type Limits struct {
	// Decompressed is how many bytes a file may hold once decompressed; 64 GiB by default.
	Decompressed int64
	// Ratio is how many decompressed bytes one compressed byte may give, once more than Grace bytes came out; 1000 by
	// default. A file beyond it is taken for a decompression bomb.
	Ratio int64
	// Grace is how much may come out before Ratio is looked at; 64 MiB by default.
	Grace int64
	// Record is how many bytes a line or record may have; 16 MiB by default. A longer one is rejected, not held.
	Record int
}

const (
	mebibyte = 1 << 20
	gibibyte = 1 << 30
)

// orDefaults fills in what is not set.
func (l Limits) orDefaults() Limits {
	return Limits{
		Decompressed: cmp.Or(l.Decompressed, 64*gibibyte),
		Ratio:        cmp.Or(l.Ratio, 1000),
		Grace:        cmp.Or(l.Grace, 64*mebibyte),
		Record:       cmp.Or(l.Record, 16*mebibyte),
	}
}
