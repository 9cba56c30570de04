package reconcile

import (
	"bytes"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"trueup/facts"
)

// name is the number of a folded text: equal for two texts that differ only in case, in how their characters are
// composed (Unicode normal form C), in surrounding blanks, or in an e-mail domain that the operator calls equal. 0 is the
// empty text.
type name int32

// noName is the name of a configured text that occurs in no fact.
const noName name = -1

// folding numbers the folded forms of all strings of a snapshot. It is immutable once built.
//
// A string that is its own folded form has its symbol as its name; only others are folded and looked up. So a million
// lower-case addresses cost one look at their bytes each.
type folding struct {
	strings *facts.Strings
	extra   *facts.Strings // folded forms that are no string of the snapshot
	names   []name         // by symbol
	domains map[string]string
}

func newFolding(strings *facts.Strings, domains map[string]string) *folding {
	f := &folding{strings: strings, extra: facts.NewStrings(), names: make([]name, strings.Len()),
		domains: make(map[string]string, len(domains))}
	for old, current := range domains {
		f.domains[string(foldText([]byte(old)))] = string(foldText([]byte(current)))
	}
	for n := 1; n < strings.Len(); n++ {
		b := strings.Bytes(facts.Sym(n))
		if f.isFolded(b) {
			f.names[n] = name(n)
			continue
		}
		folded := f.domain(foldText(b))
		if known, ok := strings.Lookup(folded); ok {
			f.names[n] = name(known)
			continue
		}
		f.names[n] = name(strings.Len()) + name(f.extra.Intern(folded))
	}
	return f
}

// len is above every name.
func (f *folding) len() int { return f.strings.Len() + f.extra.Len() }

// of returns the name of one of the snapshot's strings.
func (f *folding) of(s facts.Sym) name { return f.names[s] }

// configured returns the name of a text from the configuration; [noName] if no fact has it.
func (f *folding) configured(text string) name {
	folded := f.domain(foldText([]byte(text)))
	if known, ok := f.strings.Lookup(folded); ok {
		return f.names[known]
	}
	if known, ok := f.extra.Lookup(folded); ok {
		return name(f.strings.Len()) + name(known)
	}
	return noName
}

// isFolded reports whether b certainly is its own folded form.
func (f *folding) isFolded(b []byte) bool {
	if b[0] == ' ' || b[len(b)-1] == ' ' {
		return false
	}
	address := false
	for _, c := range b {
		if c >= 0x7F || c < ' ' || c-'A' < 26 {
			return false
		}
		address = address || c == '@'
	}
	return !address || len(f.domains) == 0
}

// domain replaces the domain of an e-mail address by the one that it is equal to.
func (f *folding) domain(b []byte) []byte {
	at := bytes.LastIndexByte(b, '@')
	if at < 0 || len(f.domains) == 0 {
		return b
	}
	domain := string(b[at+1:])
	for range len(f.domains) { // a chain of renames; a circle ends here
		next, renamed := f.domains[domain]
		if !renamed {
			break
		}
		domain = next
	}
	return append(b[:at+1:at+1], domain...)
}

// foldText folds by Unicode's full case folding between two passes of normal form C, since folding can decompose.
func foldText(b []byte) []byte {
	if isASCII(b) {
		return bytes.ToLower(bytes.TrimSpace(b))
	}
	return norm.NFC.Bytes(cases.Fold().Bytes(norm.NFC.Bytes(bytes.TrimSpace(b))))
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
