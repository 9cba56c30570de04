package facts

import (
	"hash/maphash"
	"math"
	"unsafe"
)

// Sym is the dense number of an interned string. Sym 0 is the empty string in every [Strings].
type Sym uint32

// Strings interns strings: equal bytes get equal numbers, dense from 0. The bytes live in one arena and the lookup
// table holds no pointers, so it costs the garbage collector nothing. It is not safe for concurrent writing; once
// filled it may be read from many goroutines.
type Strings struct {
	arena []byte
	ends  []uint32 // end of string n in arena; it starts where n-1 ends
	table []entry  // open addressing, a power of two
	seed  maphash.Seed

	prepared byte // of no meaning: it keeps what prepare reads from being optimised away
}

type entry struct {
	hash uint32 // upper half of the 64-bit hash
	sym  Sym    // 0 means free: the empty string is never in the table
}

// NewStrings returns a table that holds the empty string only.
func NewStrings() *Strings {
	return &Strings{ends: []uint32{0}, table: make([]entry, 64), seed: maphash.MakeSeed()}
}

// Len returns how many distinct strings there are, the empty one included.
func (s *Strings) Len() int { return len(s.ends) }

// Text returns the string of n. The result shares the table's memory and must not outlive a program that unmaps it;
// strings are never changed once interned.
func (s *Strings) Text(n Sym) string {
	b := s.Bytes(n)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Bytes returns the bytes of n; the caller must not change them.
func (s *Strings) Bytes(n Sym) []byte {
	if n == 0 {
		return nil
	}
	return s.arena[s.ends[n-1]:s.ends[n]:s.ends[n]]
}

// Intern returns the number of b, adding it if it is new. b is copied.
func (s *Strings) Intern(b []byte) Sym {
	if len(b) == 0 {
		return 0
	}
	return s.intern(b, maphash.Bytes(s.seed, b))
}

func (s *Strings) intern(b []byte, h uint64) Sym {
	slot, found := s.find(b, h)
	if found {
		return s.table[slot].sym
	}
	if uint64(len(s.arena))+uint64(len(b)) > math.MaxUint32 {
		panic("facts: more than 4 GiB of distinct text in one table") // wrong text would be worse
	}
	n := Sym(len(s.ends))
	s.arena = append(s.arena, b...)
	s.ends = append(s.ends, uint32(len(s.arena)))
	s.table[slot] = entry{hash: uint32(h >> 32), sym: n}
	if len(s.ends)*2 > len(s.table) {
		s.grow()
	}
	return n
}

// batch is how many lookups are prepared at once: enough to keep a processor's memory busy, few enough for its cache.
const batch = 64

// nearby is where, behind the start of an account, the login interned behind it is likely to end.
const nearby = 64

// prepare hashes texts, none of them empty and at most batch, for intern. In a large table a lookup waits for memory
// three times, one after the other; here each of the three steps is done for all texts, so that they wait side by side.
func (s *Strings) prepare(texts [][]byte, hashes *[batch]uint64) {
	var likely [batch]Sym
	var starts [batch]uint32
	mask := uint32(len(s.table) - 1)
	for n, b := range texts {
		hashes[n] = maphash.Bytes(s.seed, b)
		likely[n] = s.table[uint32(hashes[n])&mask].sym
	}
	for n := range texts {
		starts[n] = s.ends[max(likely[n], 1)-1]
	}
	read, last := byte(0), len(s.arena)-1
	for n := range texts {
		if start := int(starts[n]); start <= last {
			read |= s.arena[start] | s.arena[min(start+nearby, last)]
		}
	}
	s.prepared = read
}

// InternString is [Strings.Intern] for a string.
func (s *Strings) InternString(t string) Sym {
	return s.Intern(unsafe.Slice(unsafe.StringData(t), len(t)))
}

// Lookup returns the number of b and whether it is known.
func (s *Strings) Lookup(b []byte) (Sym, bool) {
	if len(b) == 0 {
		return 0, true
	}
	slot, found := s.find(b, maphash.Bytes(s.seed, b))
	return s.table[slot].sym, found
}

// LookupString is [Strings.Lookup] for a string.
func (s *Strings) LookupString(t string) (Sym, bool) {
	return s.Lookup(unsafe.Slice(unsafe.StringData(t), len(t)))
}

func (s *Strings) find(b []byte, h uint64) (slot uint32, found bool) {
	mask := uint32(len(s.table) - 1)
	top := uint32(h >> 32)
	for slot = uint32(h) & mask; ; slot = (slot + 1) & mask {
		e := s.table[slot]
		if e.sym == 0 {
			return slot, false
		}
		if e.hash == top && string(s.Bytes(e.sym)) == string(b) {
			return slot, true
		}
	}
}

func (s *Strings) grow() {
	s.table = make([]entry, len(s.table)*2)
	mask := uint32(len(s.table) - 1)
	for n := 1; n < len(s.ends); n++ {
		h := maphash.Bytes(s.seed, s.Bytes(Sym(n)))
		slot := uint32(h) & mask
		for s.table[slot].sym != 0 {
			slot = (slot + 1) & mask
		}
		s.table[slot] = entry{hash: uint32(h >> 32), sym: Sym(n)}
	}
}

// Merge interns every string of from into s and returns the new number of each, indexed by its old one.
func (s *Strings) Merge(from *Strings) []Sym {
	to := make([]Sym, from.Len())
	for n := 1; n < from.Len(); n++ {
		to[n] = s.Intern(from.Bytes(Sym(n)))
	}
	return to
}
