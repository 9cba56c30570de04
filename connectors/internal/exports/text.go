package exports

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"trueup/connectors"
)

// sniffed is how many bytes of text are looked at to tell text from binary.
const sniffed = 8 << 10

// text strips a byte order mark, decodes UTF-16 and refuses what is not text. An empty stream is an error: an empty
// export must never look like an empty world.
func text(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return nil, &connectors.Error{Class: connectors.Permanent, Reason: "is UTF-32", Hint: "export it as UTF-8"}
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return wide(b, false)
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return wide(b, true)
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		head = head[3:]
		if _, err := b.Discard(3); err != nil {
			return nil, err
		}
	}
	if len(head) == 0 {
		return nil, empty()
	}
	if bytes.Count(head, []byte{0})*16 > len(head) {
		return nil, &connectors.Error{Class: connectors.Permanent, Reason: "is binary, not text",
			Hint: "export it as UTF-8, or as UTF-16 with a byte order mark"}
	}
	return b, nil
}

func empty() error {
	return &connectors.Error{Class: connectors.Incomplete, Reason: "is empty",
		Hint: "export it again; an empty file says nothing, not even that there is nothing"}
}

func wide(b *bufio.Reader, big bool) (io.Reader, error) {
	if _, err := b.Discard(2); err != nil {
		return nil, err
	}
	if _, err := b.Peek(1); errors.Is(err, io.EOF) {
		return nil, empty()
	}
	return &wideReader{r: b, big: big}, nil
}

// wideReader turns UTF-16 into UTF-8. Half a surrogate pair becomes the byte 0xff, which is not UTF-8, so that the record
// it stands in is rejected like any other that is not text.
type wideReader struct {
	r    *bufio.Reader
	big  bool
	half rune // a high surrogate that waits for its other half
	left []byte
	text [4096]byte
}

// Read gives UTF-8.
func (w *wideReader) Read(p []byte) (int, error) {
	if len(w.left) == 0 {
		if err := w.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, w.left)
	w.left = w.left[n:]
	return n, nil
}

func (w *wideReader) fill() error {
	units, err := w.r.Peek(2)
	if more := w.r.Buffered() &^ 1; more > 2 {
		units, err = w.r.Peek(min(more, len(w.text)/2))
	}
	switch {
	case len(units) == 1 && errors.Is(err, io.EOF):
		return &connectors.Error{Class: connectors.Incomplete, Reason: "UTF-16 text ends in the middle of a character",
			Hint: "transfer or export the file again"}
	case len(units) == 0 && errors.Is(err, io.EOF) && w.half != 0:
		w.half = 0
		w.left = append(w.text[:0], 0xff)
		return nil
	case len(units) < 2:
		return err
	}
	w.left = w.text[:0]
	for k := 0; k+1 < len(units); k += 2 {
		u := rune(units[k]) | rune(units[k+1])<<8
		if w.big {
			u = rune(units[k])<<8 | rune(units[k+1])
		}
		w.unit(u)
	}
	_, err = w.r.Discard(len(units) &^ 1)
	return err
}

// unit takes one 16-bit unit. It appends at most four bytes, or one for a lost half and three for u.
func (w *wideReader) unit(u rune) {
	if w.half != 0 {
		pair := utf16.DecodeRune(w.half, u)
		w.half = 0
		if pair != utf8.RuneError {
			w.left = utf8.AppendRune(w.left, pair)
			return
		}
		w.left = append(w.left, 0xff)
	}
	switch {
	case u >= 0xd800 && u < 0xdc00:
		w.half = u
	case utf16.IsSurrogate(u):
		w.left = append(w.left, 0xff)
	default:
		w.left = utf8.AppendRune(w.left, u)
	}
}
