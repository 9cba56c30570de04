package exports

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"trueup/connectors"
)

// maxWindow is the largest Zstandard window that is accepted, what the reference tool accepts without asking.
const maxWindow = 128 << 20

// foreign are formats that are recognised in order to be refused by name.
var foreign = []struct{ magic, name, hint string }{
	{"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or export the sheet as CSV"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", "export the sheet as CSV"},
	{"BZh91AY&SY", "compressed with bzip2", "unpack it; gzip and zstd are read as they are"},
	{"\xfd7zXZ\x00", "compressed with xz", "unpack it; gzip and zstd are read as they are"},
	{"PAR1\x15", "a Parquet file", "export it as CSV or JSON lines"},
	{"%PDF-", "a PDF", "export it as CSV or JSON lines"},
}

// unpacked is a compressed stream's content, with the limits watched.
type unpacked struct {
	format string // "gzip" or "zstd"
	r      io.Reader
	close  func()
	in     *input
	out    int64
	limits Limits
}

// unpack recognises compression by the first bytes and returns the content; close must be called.
func unpack(in *input, limits Limits) (r io.Reader, close func(), err error) {
	raw := bufio.NewReaderSize(in, 64<<10)
	head, err := raw.Peek(8)
	if len(head) == 0 && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return nil, nil, &connectors.Error{Class: connectors.Permanent, Reason: "is " + f.name + ", not text", Hint: f.hint}
		}
	}
	u := &unpacked{in: in, limits: limits, close: func() {}}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, nil, in.damaged("gzip", err)
		}
		u.format, u.r = "gzip", z
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")), skippable(head):
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, in.damaged("zstd", err)
		}
		u.format, u.r, u.close = "zstd", z, z.Close
	default:
		return raw, u.close, nil
	}
	return u, u.close, nil
}

// skippable reports whether head starts a Zstandard skippable frame (RFC 8878, section 3.1.2), as pzstd writes.
func skippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

// Read gives decompressed bytes until a limit is passed.
func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.out += int64(n)
	switch taken := u.in.taken.Load(); {
	case u.out > u.limits.Decompressed:
		return 0, &connectors.Error{Class: connectors.Permanent, Reason: fmt.Sprintf("%s gives more than %d bytes", u.format,
			u.limits.Decompressed), Hint: "split the export into smaller files"}
	case u.out > u.limits.Grace && u.out/u.limits.Ratio > taken:
		return 0, &connectors.Error{Class: connectors.Permanent, Reason: fmt.Sprintf(
			"%s gives more than %d bytes for each of its own, as a decompression bomb does", u.format, u.limits.Ratio),
			Hint: "if the file is what it should be, hand it over uncompressed"}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = u.in.damaged(u.format, err)
	}
	return n, err
}

// damaged says what is wrong with a compressed stream. A fault of the input below it, such as a cancelled context, is
// passed on as it is.
func (in *input) damaged(format string, err error) error {
	if in.fault != nil {
		return in.fault
	}
	reason := format + " stream is damaged"
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		reason, err = format+" stream ends early", nil
	}
	return &connectors.Error{Class: connectors.Incomplete, Reason: reason, Err: err, Hint: "transfer or export the file again"}
}
