package reconcile

import (
	"cmp"
	"slices"

	"trueup/facts"
)

// holderID is the dense number of a holder: people first, then the holders that no person is linked to.
type holderID int32

// holders groups accounts by who holds them: a person, or, where no person is linked, everybody of one folded name. It
// lists each holder's accounts, seat paths and counted uses together.
type holders struct {
	of    []holderID  // by account
	order []holderID  // sorted by name
	place []uint32    // by account: where in order its holder stands
	text  []facts.Sym // by holder: the person's id, or the first in byte order of the accounts' names
	seats grouped     // rows of Snapshot.Seats of products that have rows, with the product
	uses  grouped     // sign-ins that count, see [meter.use], with the combination

	accounts ranges
	account  []AccountID // by holder
}

// ranges says where each holder's part of a list is.
type ranges []uint32

// stretch is how many holders, next to each other in order, are decided about at a time: few enough for what belongs to
// them to stay in the cache of one processor.
const stretch = 1 << stretchBits

const stretchBits = 11

// grouped lists rows by the stretch that their holders are in.
type grouped struct {
	at   ranges // by stretch, and the end
	rows []member
}

// member is a row of a holder: the holder's place in the stretch, a tag of 21 bits, and the row, from the highest bit on.
// Members of one holder and tag stand together when sorted.
type member uint64

func newMember(place uint32, tag, row int) member {
	return member(place%stretch)<<(64-stretchBits) | member(tag)<<32 | member(row)
}

func (m member) place() int { return int(m >> (64 - stretchBits)) }
func (m member) tag() int   { return int(m >> 32 & (1<<(32-stretchBits) - 1)) }
func (m member) row() int   { return int(uint32(m)) }

// group lists rows by stretches. of says whose row it is and with which tag; false leaves it out.
func (h *holders) group(rows int, of func(row int) (a AccountID, tag int, ok bool)) grouped {
	parts, stretches := shares(rows), h.stretches()
	next := make([][]uint32, len(parts)) // by part and stretch: how many, then where the next one goes
	inParallel(len(parts), each(func(part int) {
		counts := make([]uint32, stretches)
		for n := parts[part].from; n < parts[part].to; n++ {
			if a, _, ok := of(n); ok {
				counts[h.place[a]>>stretchBits]++
			}
		}
		next[part] = counts
	}))
	g, sum := grouped{at: make(ranges, stretches+1)}, uint32(0)
	for k := range stretches {
		g.at[k] = sum
		for _, counts := range next {
			counts[k], sum = sum, sum+counts[k]
		}
	}
	g.at[stretches], g.rows = sum, make([]member, sum)
	inParallel(len(parts), each(func(part int) {
		to := next[part]
		for n := parts[part].from; n < parts[part].to; n++ {
			if a, tag, ok := of(n); ok {
				k := h.place[a] >> stretchBits
				g.rows[to[k]] = newMember(h.place[a], tag, n)
				to[k]++
			}
		}
	}))
	return g
}

// of returns the rows of one stretch.
func (g *grouped) of(k int) []member { return g.rows[g.at[k]:g.at[k+1]] }

// sortMembers sorts the rows of one stretch by holder, tag and row; spare is as long.
func sortMembers(rows, spare []member) {
	var ends [stretch]uint32
	for _, m := range rows {
		ends[m.place()]++
	}
	sum := uint32(0)
	for k, n := range ends {
		ends[k], sum = sum, sum+n
	}
	for _, m := range rows {
		k := m.place()
		spare[ends[k]] = m
		ends[k]++
	}
	from := uint32(0)
	for _, to := range ends {
		slices.Sort(spare[from:to])
		from = to
	}
	copy(rows, spare)
}

// stretches returns how many stretches there are.
func (h *holders) stretches() int { return (len(h.order) + stretch - 1) / stretch }

// in returns the holders of one stretch.
func (h *holders) in(k int) []holderID { return h.order[k*stretch : min(len(h.order), (k+1)*stretch)] }

func newHolders(r *roster) *holders {
	d := r.directory
	h := &holders{of: make([]holderID, len(r.accounts)), text: make([]facts.Sym, len(d.people))}
	for n := range d.people {
		h.text[n] = d.people[n].ID
	}
	at := make([]holderID, d.fold.len()) // plus one
	for n := range r.accounts {
		a := &r.accounts[n]
		if a.Person != NoPersonID {
			h.of[n] = holderID(a.Person)
			continue
		}
		id := d.fold.of(a.Login)
		if at[id] == 0 {
			h.text = append(h.text, a.Login)
			at[id] = holderID(len(h.text))
		}
		h.of[n] = at[id] - 1
		if have := h.text[h.of[n]]; have != a.Login && r.before(a.Login, have) {
			h.text[h.of[n]] = a.Login
		}
	}
	for n := range r.accounts {
		r.accounts[n].Holder = h.text[h.of[n]]
	}
	h.sort(r)
	return h
}

// sort orders the holders by name; two people of one id by their source, a person before an account of the same name.
func (h *holders) sort(r *roster) {
	people, source := r.directory.people, r.directory.snapshot.People.Source
	h.order = sortByText(r.directory.snapshot.Strings, h.text, len(people), func(a, b holderID) int {
		if int(a) < len(people) && int(b) < len(people) {
			return cmp.Compare(source[people[a].Row], source[people[b].Row])
		}
		return cmp.Compare(a, b)
	})
	places := make([]uint32, len(h.order))
	for n, holder := range h.order {
		places[holder] = uint32(n)
	}
	h.place = make([]uint32, len(h.of))
	for n, holder := range h.of {
		h.place[n] = places[holder]
	}
}

// spread lists by holder the accounts, the seat paths that have a product, and the uses that may count.
func (h *holders) spread(r *roster, m *meter, products []ProductID) {
	counts := make([]uint32, len(h.text)+1)
	for n := range r.accounts {
		counts[h.of[n]+1]++
	}
	h.accounts = total(counts)
	h.account = make([]AccountID, len(r.accounts))
	next := slices.Clone(h.accounts)
	for n := range r.accounts {
		h.account[next[h.of[n]]] = AccountID(n)
		next[h.of[n]]++
	}
	h.seats = h.group(len(products), func(n int) (AccountID, int, bool) {
		return r.seats[n], int(products[n]), products[n] != NoProductID
	})
	h.uses = h.group(len(m.signIn)+len(r.rows), func(n int) (AccountID, int, bool) { return m.counts(r, n) })
}

// total turns counts, each one place late, into starts.
func total(counts []uint32) ranges {
	sums := make(ranges, len(counts))
	sum := uint32(0)
	for n, c := range counts {
		sum += c
		sums[n] = sum
	}
	return sums
}
