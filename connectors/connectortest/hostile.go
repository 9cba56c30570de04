package connectortest

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/connectors"
	"trueup/facts"
)

// canary is a secret that stands in hostile records. Nothing that a person or a log sees may show it.
const canary = "c4n4ry-s3cr3t"

// discreet checks that the canary does not sing.
func (c *conformance) discreet(t *testing.T, r result) {
	t.Helper()
	said := []string{connectors.HintOf(r.err)}
	if r.err != nil {
		said = append(said, r.err.Error())
	}
	if r.o != nil {
		said = append(said, r.o.Failure)
		said = append(said, r.o.Notes...)
		for _, reject := range r.o.Rejects {
			said = append(said, reject.Reason, reject.File)
		}
	}
	for _, text := range said {
		if strings.Contains(text, canary) {
			t.Errorf("the secret of a record is shown: %s", text)
		}
	}
}

// hostileRecords puts a record that is none among good ones. It is rejected and counted, and the facts are those of the
// others; or the file is refused, with a typed error.
func (c *conformance) hostileRecords(t *testing.T) {
	records := map[string]string{
		"NUL": canary + "\x00\x00" + canary, "control characters": "\x01\x02" + canary + "\x1b[31m\x07", "not UTF-8": canary + "\xff\xfe\xc0",
		"half a character": canary + "\xe2\x82", "nothing sensible": canary, "brackets": "{[" + canary, "a quotation mark": canary + "\"x",
		"an open quotation mark": "\"" + canary,
		"the header again":       strings.TrimSpace(c.sample.Head), "nested": strings.Repeat("[", 100_000), "long": strings.Repeat("x", 1<<20),
	}
	for name, record := range records {
		if record == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			all := append([]string{c.sample.Records[0], record}, c.sample.Records[1:]...)
			c.tolerant(t, c.pull(t, c.folder(t, map[string][]byte{"a": c.sample.file(all...)}), 2))
		})
	}
}

// tolerant checks a pull with one hostile record in it.
func (c *conformance) tolerant(t *testing.T, r result) {
	t.Helper()
	if r.err != nil {
		c.bad(t, r)
		return
	}
	if r.o.Rejected != 1 || len(r.o.Rejects) != 1 || r.o.Rejects[0].Line < 1 || r.o.Rejects[0].Reason == "" {
		t.Errorf("rejected %d: %v", r.o.Rejected, r.o.Rejects)
	}
	if diff := cmp.Diff(c.base, Print(r.o)); diff != "" {
		t.Error(diff)
	}
	c.discreet(t, r)
}

// hostileFiles are none of the format, wholly or from some point on. They are refused.
func (c *conformance) hostileFiles(t *testing.T) {
	plain := c.sample.file(c.sample.Records...)
	files := map[string][]byte{
		"a picture": []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00" + canary),
		"a zip":     []byte("PK\x03\x04\x14\x00" + canary), "prose": []byte("Dear colleagues,\n\nplease find " + canary + "\n"),
		"gzip, then plain text": append(Gzip(plain), plain...), "gzip of gzip": Gzip(Gzip(plain)), "a number": []byte("42\n"), "a record that is no record": []byte("7," + canary + ";" + canary + ",ana@example.com\n"),
		"damage inside gzip": damage(Gzip(plain)), "damage inside zstd": damage(Zstd(plain)),
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			r := c.pull(t, c.folder(t, map[string][]byte{"a": file}), 2)
			if r.err == nil {
				t.Errorf("accepted: %s", Print(r.o))
			}
			c.bad(t, r)
		})
	}
}

// damage turns some bits in the middle of b.
func damage(b []byte) []byte {
	for n := len(b) / 2; n < len(b)/2+4; n++ {
		b[n] ^= 0xff
	}
	return b
}

// heapLimit is how much more memory a pull may hold than before, whatever the file: a few times the longest record.
const heapLimit = 96 << 20

// memory reads a line of 128 MiB and a decompression bomb.
func (c *conformance) memory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads much")
	}
	whole := string(c.sample.file(c.sample.Records...))
	at := len(c.sample.Head) + len(c.sample.Records[0]) + len(c.sample.Separator)
	before, behind := whole[:at], c.sample.Separator+whole[at:]
	t.Run("a very long line", func(t *testing.T) {
		c.tolerant(t, c.measured(t, func() io.Reader {
			return io.MultiReader(strings.NewReader(before), &repeated{left: 128 << 20}, strings.NewReader(behind))
		}))
	})
	t.Run("a bomb", func(t *testing.T) {
		bomb := string(Gzip([]byte(before + strings.Repeat("x", 96<<20))))
		r := c.measured(t, func() io.Reader { return strings.NewReader(bomb) })
		if r.err == nil {
			t.Error("accepted")
		}
		c.bad(t, r)
	})
}

// measured pulls one file that is never stored, and watches the heap.
func (c *conformance) measured(t *testing.T, content func() io.Reader) result {
	t.Helper()
	sum := sha256.New()
	size, err := io.Copy(sum, content())
	if err != nil {
		t.Fatal(err)
	}
	p := Pull(c.sample.Feed, 2, discard{})
	p.Archived = []connectors.Archived{{File: facts.File{Name: "in/a", SHA256: facts.Digest(sum.Sum(nil)), Bytes: size,
		Product: c.sample.Product},
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(content()), nil }}}
	source := c.source(t, t.TempDir())
	runtime.GC()
	base, stop := heap(), watch()
	o, err := source.Pull(t.Context(), p)
	if held := int64(stop()) - int64(base); held > heapLimit {
		t.Errorf("the heap grew by %d MiB", held>>20)
	}
	return result{o: o, err: err}
}

// watch looks at the heap until stop is called, which returns the most that was seen.
func watch() (stop func() uint64) {
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most, tick := heap(), time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				peak <- max(most, heap())
				return
			case <-tick.C:
				most = max(most, heap())
			}
		}
	}()
	return func() uint64 {
		close(done)
		return <-peak
	}
}

// heap returns the bytes of all objects, dead ones that were not collected yet included.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// repeated gives x.
type repeated struct{ left int }

func (r *repeated) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), r.left)
	for k := range p[:n] {
		p[k] = 'x'
	}
	r.left -= n
	return n, nil
}

// discard hashes and forgets.
type discard struct{}

// Create begins an input.
func (discard) Create(context.Context, string) (connectors.RawWriter, error) {
	return &hashing{Hash: sha256.New()}, nil
}

type hashing struct {
	hash.Hash
	size int64
}

// Write takes bytes of the input.
func (h *hashing) Write(p []byte) (int, error) {
	h.size += int64(len(p))
	return h.Hash.Write(p)
}

// Commit ends the input.
func (h *hashing) Commit() (facts.Digest, int64, error) { return facts.Digest(h.Sum(nil)), h.size, nil }

// Abort forgets it.
func (h *hashing) Abort() {}
