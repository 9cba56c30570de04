package reconcile

import (
	"cmp"
	"slices"

	"trueup/facts"
)

// holderID is the dense number of a holder: people first, then the holders that no person is linked to.
type holderID int32

// holders groups accounts by who holds them: a person, or, where no person is linked, everybody of one folded name. It
// lists each holder's seat paths and counted uses together.
type holders struct {
	of    []holderID  // by account
	order []holderID  // sorted by name
	text  []facts.Sym // by holder: the person's id, or the first in byte order of the accounts' names
	seats ranges
	paths []path // of products that have rows, by holder
	uses  ranges
	use   []use // by holder

	accounts ranges
	account  []AccountID // by holder
}

// ranges says where each holder's part of a list is.
type ranges []uint32

// path is one row of Snapshot.Seats, with what a decision asks about it side by side.
type path struct {
	assigned facts.Instant
	row      int32
	account  AccountID
	way      facts.Sym // "direct", "group:NAME", or empty
	centre   facts.Sym
	product  ProductID
}

// use is one rolled-up sign-in, or one value of a state feed, that may count.
type use struct {
	account AccountID
	combo   int32
	last    facts.Instant
}

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
	type entry struct {
		text   string
		holder holderID
	}
	entries := make([]entry, len(h.text))
	for n, sym := range h.text {
		entries[n] = entry{r.directory.snapshot.Strings.Text(sym), holderID(n)}
	}
	people := r.directory.people
	slices.SortFunc(entries, func(a, b entry) int {
		if c := cmp.Compare(a.text, b.text); c != 0 {
			return c
		}
		if int(a.holder) < len(people) && int(b.holder) < len(people) {
			source := r.directory.snapshot.People.Source
			return cmp.Compare(source[people[a.holder].Row], source[people[b.holder].Row])
		}
		return cmp.Compare(a.holder, b.holder)
	})
	h.order = make([]holderID, len(entries))
	for n, e := range entries {
		h.order[n] = e.holder
	}
}

// spread lists by holder the seat paths that have a product, the accounts, and the uses that may count.
func (h *holders) spread(r *roster, m *meter, products []ProductID) {
	s := &r.directory.snapshot.Seats
	counts := make([]uint32, len(h.text)+1)
	for n, p := range products {
		if p != NoProductID {
			counts[h.of[r.seats[n]]+1]++
		}
	}
	h.seats = total(counts)
	h.paths = make([]path, h.seats[len(h.text)])
	next := slices.Clone(h.seats)
	for n, p := range products {
		if p == NoProductID {
			continue
		}
		at := &next[h.of[r.seats[n]]]
		h.paths[*at] = path{assigned: s.Assigned[n], row: int32(n), account: r.seats[n], way: s.Path[n], centre: s.CostCentre[n], product: p}
		*at++
	}
	clear(counts)
	for n := range r.accounts {
		counts[h.of[n]+1]++
	}
	h.accounts = total(counts)
	h.account = make([]AccountID, len(r.accounts))
	copy(next, h.accounts)
	for n := range r.accounts {
		h.account[next[h.of[n]]] = AccountID(n)
		next[h.of[n]]++
	}
	clear(counts)
	m.each(r, func(u use) { counts[h.of[u.account]+1]++ })
	h.uses = total(counts)
	h.use = make([]use, h.uses[len(h.text)])
	copy(next, h.uses)
	m.each(r, func(u use) {
		n := &next[h.of[u.account]]
		h.use[*n] = u
		*n++
	})
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
