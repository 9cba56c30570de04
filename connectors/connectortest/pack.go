package connectortest

import (
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Gzip compresses b.
func Gzip(b []byte) []byte {
	return packed(b, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

// Zstd compresses b.
func Zstd(b []byte) []byte {
	return packed(b, func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w)
		if err != nil {
			panic(err) // only options can be wrong, and there are none
		}
		return z
	})
}

func packed(b []byte, with func(io.Writer) io.WriteCloser) []byte {
	var out bytes.Buffer
	w := with(&out)
	_, err := w.Write(b)
	if closed := w.Close(); err != nil || closed != nil {
		panic("a buffer takes everything")
	}
	return out.Bytes()
}

// UTF16 encodes UTF-8 with a byte order mark.
func UTF16(b []byte, big bool) []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	out := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(string(b))) {
		out = order.AppendUint16(out, u)
	}
	return out
}
