package licensegen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/facts"
	"trueup/licensegen"
)

// books are everything that was read for one pull or verb.
type books struct {
	observed  *facts.Observation
	catalogue *licensegen.Catalogue
	keys      []licensegen.PublicKey
	orders    *licensegen.Orders
	lines     []*licensegen.OrderLine                   // by order and line
	licences  map[licensegen.LineID]*licensegen.License // the newest of each line, authenticated
}

// books reads for a verb what a feed needs. Nothing is kept of it.
func (s *source) books(ctx context.Context, feed facts.Feed) (*books, error) {
	return s.read(ctx, connectors.Pull{Feed: feed, Observed: facts.NoInstant, Calendar: s.calendar, Raw: discard{}, Workers: 1})
}

// read reads what the feed needs: catalogue and orders always, public keys and register for seats. The observation has
// files and rejections and no rows yet.
func (s *source) read(ctx context.Context, p connectors.Pull) (*books, error) {
	b := &books{observed: facts.NewObservation(s.config.Name, p.Feed, p.Observed), licences: map[licensegen.LineID]*licensegen.License{}}
	files := p
	var register *connectors.Archived
	files.Archived, register = s.split(p.Archived)
	patterns := []connectors.Pattern{{Glob: s.config.Catalogue}}
	if p.Feed == facts.FeedSeats {
		patterns = append(patterns, connectors.Pattern{Glob: path.Join(filepath.ToSlash(s.config.Keys), "*"+licensegen.PublicKeySuffix)})
	}
	patterns = append(patterns, s.config.Orders.Single...)
	err := exports.Read(ctx, files, b.observed, s.dir, patterns, func(_ context.Context, f *exports.File) error {
		switch {
		case f.Name == s.catalogueName():
			return b.readCatalogue(f, p.Calendar.Zone().String())
		case strings.HasSuffix(f.Name, licensegen.PublicKeySuffix):
			return b.readKey(f)
		case b.orders == nil:
			return nil // the catalogue's error is the one to see
		}
		return b.readOrders(f)
	})
	if err == nil && b.orders == nil {
		b.observed.Complete = false
		err = &connectors.Error{Class: connectors.Incomplete, Place: s.config.Catalogue, Reason: "was not among the inputs"}
	}
	if err != nil {
		return b, err
	}
	lines, conflicts := b.orders.Lines()
	b.lines = lines
	for _, e := range conflicts {
		b.observed.Reject(e.File, e.Line, reason(e))
	}
	if p.Feed != facts.FeedSeats {
		return b, nil
	}
	var newest []byte
	switch {
	case register != nil:
		newest, err = readArchived(ctx, register)
	case p.Archived == nil:
		newest, err = s.newest(ctx)
	}
	if err == nil && len(newest) > 0 {
		err = b.readRegister(ctx, p.Raw, s.registerName(), newest)
	}
	b.observed.Complete = err == nil
	return b, err
}

// registerName is what the register is called among the inputs.
func (s *source) registerName() string {
	return path.Join(filepath.ToSlash(s.config.Register), "newest")
}

// catalogueName is what the catalogue is called among the inputs.
func (s *source) catalogueName() string {
	if filepath.IsAbs(s.config.Catalogue) {
		return filepath.ToSlash(s.config.Catalogue)
	}
	return path.Clean(filepath.ToSlash(s.config.Catalogue))
}

// split takes the register out of the inputs of an earlier pull and puts the catalogue before the others, since order
// lines are read by it.
func (s *source) split(archived []connectors.Archived) (files []connectors.Archived, register *connectors.Archived) {
	if archived == nil {
		return nil, nil
	}
	files = []connectors.Archived{} // not nil: nothing may be read from the folder in their place
	for n, a := range archived {
		switch a.File.Name {
		case s.registerName():
			register = &archived[n]
		case s.catalogueName():
			files = slices.Insert(files, 0, a)
		default:
			files = append(files, a)
		}
	}
	return files, register
}

// newest renders the register as an input: the newest licence of every order line, one a line; empty if there is none.
func (s *source) newest(ctx context.Context) ([]byte, error) {
	r, err := s.register()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // read from, or durable already
	files, err := r.Last(ctx)
	if err != nil {
		return nil, s.registerFault(err)
	}
	var all []byte
	for _, file := range files {
		// A damaged file stays one line that is refused.
		all = append(all, bytes.ReplaceAll(bytes.TrimSuffix(file, []byte("\n")), []byte("\n"), []byte(" "))...)
		all = append(all, '\n')
	}
	return all, nil
}

func readArchived(ctx context.Context, a *connectors.Archived) ([]byte, error) {
	r, err := a.Open(ctx)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, &connectors.Error{Class: connectors.Incomplete, Place: a.File.Name, Err: err}
	}
	if sha256.Sum256(b) != a.File.SHA256 {
		return nil, &connectors.Error{Class: connectors.Permanent, Place: a.File.Name, Reason: "is not what was archived: its SHA-256 differs"}
	}
	return b, nil
}

func (s *source) registerFault(err error) error {
	if _, typed := errors.AsType[*connectors.Error](err); typed || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &connectors.Error{Class: connectors.Permanent, Place: s.config.Register, Err: err}
}

// largest is how many bytes of a catalogue or key are read.
const largest = 16 << 20

func (b *books) readCatalogue(f *exports.File, zone string) error {
	text, err := io.ReadAll(io.LimitReader(f, largest))
	if err != nil {
		return err
	}
	c := &licensegen.Catalogue{}
	if err := yaml.UnmarshalWithOptions(text, c, yaml.Strict()); err != nil {
		return &connectors.Error{Class: connectors.Permanent, Place: f.Name, Err: errors.New(firstLine(yaml.FormatError(err, false, false))),
			Hint: "docs/formats/license.md describes the catalogue"}
	}
	if err := c.Validate(); err != nil {
		return &connectors.Error{Class: connectors.Permanent, Place: f.Name, Err: err, Hint: "docs/formats/license.md describes the catalogue"}
	}
	b.catalogue, b.orders = c, licensegen.NewOrders(c, zone)
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (b *books) readKey(f *exports.File) error {
	text, err := io.ReadAll(io.LimitReader(f, largest))
	if err != nil {
		return err
	}
	key, err := licensegen.ParsePublicKey(text)
	if err != nil {
		return &connectors.Error{Class: connectors.Permanent, Place: f.Name, Err: err, Hint: "openssl pkey -pubout writes such files"}
	}
	b.keys = append(b.keys, key)
	return nil
}

func (b *books) readOrders(f *exports.File) error {
	refused := int64(0)
	rows, err := b.orders.ReadCSV(f, f.Name, func(e *licensegen.OrderError) {
		refused++
		f.Reject(e.Line, reason(e))
	})
	f.AddRows(rows - refused)
	if e, ok := errors.AsType[*licensegen.OrderError](err); ok {
		return &connectors.Error{Class: connectors.Permanent, Place: f.Name, Line: e.Line, Err: e.Err, Hint: e.Hint}
	}
	return err
}

// reason says what is wrong with a row, without the place, which stands beside it, and with the hint.
func reason(e *licensegen.OrderError) string {
	text := e.Err.Error()
	if e.ID != (licensegen.LineID{}) {
		text = "order line " + e.ID.String() + ": " + text
	}
	return text + "; " + e.Hint
}

// readRegister keeps the rendering of the register with the raw inputs and authenticates the licences in it.
func (b *books) readRegister(ctx context.Context, raw connectors.Raw, name string, newest []byte) error {
	w, err := raw.Create(ctx, name)
	if err != nil {
		return err
	}
	if _, err := w.Write(newest); err != nil {
		w.Abort()
		return err
	}
	file := facts.File{Name: name}
	if file.SHA256, file.Bytes, err = w.Commit(); err != nil {
		return err
	}
	v := licensegen.NewVerifier(b.catalogue.Issuer, b.keys...)
	for line := range bytes.Lines(newest) {
		file.Rows++
		l, err := v.Authenticate(line)
		if err != nil {
			b.observed.Reject(name, file.Rows, err.Error())
			continue
		}
		b.licences[l.Terms.Line] = l
	}
	b.observed.Files = append(b.observed.Files, file)
	b.observed.Rows += file.Rows
	return nil
}

// discard hashes inputs and keeps nothing of them.
type discard struct{}

func (discard) Create(context.Context, string) (connectors.RawWriter, error) {
	return &discarded{Hash: sha256.New()}, nil
}

type discarded struct {
	hash.Hash
	size int64
}

func (d *discarded) Write(p []byte) (int, error) {
	d.size += int64(len(p))
	return d.Hash.Write(p)
}

func (d *discarded) Commit() (facts.Digest, int64, error) {
	return facts.Digest(d.Sum(nil)), d.size, nil
}

func (d *discarded) Abort() {}
