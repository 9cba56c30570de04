package jsondoc

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// kinds says what a value that starts with a byte is.
var kinds = [256]Kind{'{': Object, '[': Array, '"': String, 't': Bool, 'f': Bool, 'n': Null, '-': Number, '0': Number,
	'1': Number, '2': Number, '3': Number, '4': Number, '5': Number, '6': Number, '7': Number, '8': Number, '9': Number}

// space returns the position of the first byte at or after i that is not white space.
func space(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\t' || doc[i] == '\r') {
		i++
	}
	return i
}

// quote returns the position of the quote that closes the string whose contents start at i, or -1. Most strings of an
// export are short: searching them eight bytes at a time costs less than a call.
func quote(doc []byte, i int) int {
	for long := i + 24; i < long && len(doc)-i >= 8; {
		w := binary.LittleEndian.Uint64(doc[i:]) ^ ones*'"'
		found := (w - ones) &^ w & highs // what it finds first is one
		if found == 0 {
			i += 8
			continue
		}
		if i += bits.TrailingZeros64(found) / 8; doc[i-1] != '\\' || !escaped(doc, i) {
			return i
		}
		i++
	}
	return longQuote(doc, i)
}

// longQuote is quote for what remains of a long string.
func longQuote(doc []byte, i int) int {
	for {
		n := bytes.IndexByte(doc[i:], '"')
		if n < 0 {
			return -1
		}
		if i += n; doc[i-1] != '\\' || !escaped(doc, i) {
			return i
		}
		i++
	}
}

// escaped reports whether an odd number of backslashes stands before i.
func escaped(doc []byte, i int) bool {
	k := i
	for doc[k-1] == '\\' { // ends at the quote that opens the string
		k--
	}
	return (i-k)%2 == 1
}

// word passes a literal.
func (s *Scanner) word(doc []byte, i int, word string) int {
	end := i + len(word)
	if end > len(doc) {
		if string(doc[i:]) == word[:len(doc)-i] {
			return s.fail(Truncated)
		}
		return s.fail(badValue)
	}
	if string(doc[i:end]) != word {
		return s.fail(badValue)
	}
	return end
}

// number passes a number (RFC 8259 section 6).
func (s *Scanner) number(doc []byte, i int) int {
	start := i
	if doc[i] == '-' {
		i++
	}
	from := i
	i = digits(doc, i)
	switch {
	case i == from && i == len(doc) && i > start:
		return s.fail(Truncated)
	case i == start:
		return s.fail(badValue)
	case i == from || doc[from] == '0' && i > from+1:
		return s.fail(badNumber)
	}
	if i < len(doc) && doc[i] == '.' {
		if i = s.atLeastOne(doc, i+1); i < 0 {
			return i
		}
	}
	if i < len(doc) && (doc[i] == 'e' || doc[i] == 'E') {
		if i++; i < len(doc) && (doc[i] == '+' || doc[i] == '-') {
			i++
		}
		i = s.atLeastOne(doc, i)
	}
	return i
}

func (s *Scanner) atLeastOne(doc []byte, i int) int {
	end := digits(doc, i)
	switch {
	case end == len(doc):
		return s.fail(Truncated)
	case end == i:
		return s.fail(badNumber)
	}
	return end
}

func digits(doc []byte, i int) int {
	for i < len(doc) && doc[i]-'0' < 10 {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plain reports whether a string is ASCII without escapes and control characters, eight bytes at a time.
func plain(b []byte) bool {
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		slash := w ^ ones*'\\'
		if (w|(w-ones*' ')|(slash-ones)&^slash)&highs != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape appends the contents of a string to text. A surrogate without its other half becomes U+FFFD, as with
// encoding/json.
func unescape(text, b []byte) ([]byte, Malformed) {
	if !utf8.Valid(b) {
		return text, badEncoding
	}
	for k := 0; k < len(b); {
		switch c := b[k]; {
		case c < ' ':
			return text, badControl
		case c != '\\':
			text = append(text, c)
			k++
		case k+1 < len(b) && b[k+1] == 'u':
			r := hex4(b[k+2:])
			if r < 0 {
				return text, badEscape
			}
			k += 6
			if utf16.IsSurrogate(r) {
				r2 := rune(-1)
				if k+1 < len(b) && b[k] == '\\' && b[k+1] == 'u' {
					r2 = hex4(b[k+2:])
				}
				if r = utf16.DecodeRune(r, r2); r != utf8.RuneError {
					k += 6
				}
			}
			text = utf8.AppendRune(text, r)
		case k+1 < len(b) && escapes[b[k+1]] != 0:
			text = append(text, escapes[b[k+1]])
			k += 2
		default:
			return text, badEscape
		}
	}
	return text, ""
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
