package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"

	"trueup/blob"
	"trueup/facts"
)

// Archive keeps inputs as they were received, and what is derived from them, by the SHA-256 of their bytes. What arrives
// compressed (gzip, zstd) is kept as it is, anything else is compressed with zstd. It is safe for concurrent use.
//
// The object of a digest stands under "objects/sha256/ab/abcd….zst" if the archive compressed it, so that zstd -dc gives
// the bytes of that digest, and under "….received.gz" or "….received.zst" if it holds the bytes of that digest as they are.
type Archive struct {
	store blob.Store
	spool string
	kind  archiveKind
}

type archiveKind uint8

const (
	copying     archiveKind = iota
	referencing             // hash, keep nothing
	discarding              // not even hash
)

// NewArchive returns the archive in store. spool is a folder for what is being received, created once there is something;
// "" is the system's folder for temporary files.
func NewArchive(store blob.Store, spool string) *Archive {
	return &Archive{store: store, spool: spool}
}

// Sweep removes what processes that were killed left half-received: files and folders of the spool whose name begins with
// "trueup-", that belong to this user and were last written to before the given time, and what the store behind it holds of
// that sort. An input that is being received is written to all the time, so a day ago is safe.
func (a *Archive) Sweep(ctx context.Context, before time.Time) error {
	faults := []error{a.sweepSpool(ctx, before)}
	if s, ok := a.store.(interface {
		Sweep(context.Context, time.Time) error
	}); ok {
		faults = append(faults, s.Sweep(ctx, before))
	}
	if err := errors.Join(faults...); err != nil {
		return &Error{Op: "sweep archive", Err: err, Hint: "remove by hand what it names"}
	}
	return nil
}

func (a *Archive) sweepSpool(ctx context.Context, before time.Time) error {
	dir := cmp.Or(a.spool, os.TempDir())
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	faults := []error{err}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil || !strings.HasPrefix(e.Name(), "trueup-") || !info.ModTime().Before(before) || !ours(info) {
			continue // an error: it is gone meanwhile
		}
		faults = append(faults, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(faults...)
}

// ours tells whether a file belongs to the user this process runs as: the system's folder for temporary files is shared.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// Referencing returns an archive that hashes what is created and keeps none of it; the operator keeps the files. It
// opens what a holds.
func (a *Archive) Referencing() *Archive {
	return &Archive{store: a.store, spool: a.spool, kind: referencing}
}

// Discard returns an archive that neither keeps nor hashes: every digest is zero. For measuring what hashing and
// keeping cost, never for a run.
func Discard() *Archive { return &Archive{kind: discarding} }

// ArchiveWriter takes the bytes of one input. Exactly one of Commit and Abort must be called; Abort after Commit does
// nothing. It is for one goroutine.
type ArchiveWriter struct {
	ctx     context.Context
	archive *Archive
	name    string
	hash    hash.Hash
	bytes   int64
	file    *os.File      // spool, nil until there are bytes to keep
	stored  hash.Hash     // of what goes into the file
	pack    *zstd.Encoder // nil if the bytes are kept as received
	suffix  string
}

// Create begins an input. name is for messages: a path or URL without secrets.
func (a *Archive) Create(ctx context.Context, name string) (*ArchiveWriter, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &ArchiveWriter{ctx: ctx, archive: a, name: name}
	if a.kind != discarding {
		w.hash = sha256.New()
	}
	return w, nil
}

func (w *ArchiveWriter) fault(err error) error {
	if err == nil {
		return nil
	}
	return unanswered("archive "+w.name, err)
}

// unanswered is a fault of the place where the archive is, with that place's hint.
func unanswered(op string, err error) error {
	fault := &Error{Op: op, Err: err}
	if inner, ok := errors.AsType[*blob.Error](err); ok {
		fault.Hint = inner.Hint
	} else if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EROFS) {
		fault.Hint = "give the user that runs trueup write access to the folder; TMPDIR names another for an archive elsewhere"
	}
	return fault
}

// Write takes bytes as received.
func (w *ArchiveWriter) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	w.bytes += int64(len(b))
	if w.hash != nil {
		w.hash.Write(b)
	}
	if w.archive.kind != copying || len(b) == 0 {
		return len(b), nil
	}
	if w.file == nil {
		if err := w.begin(b); err != nil {
			return 0, w.fault(err)
		}
	}
	if _, err := w.sink().Write(b); err != nil {
		return 0, w.fault(err)
	}
	return len(b), nil
}

// begin opens the spool file; the first bytes tell whether to compress. A first write of fewer than four bytes only
// costs a needless compression.
func (w *ArchiveWriter) begin(first []byte) (err error) {
	if w.archive.spool != "" {
		if err := os.MkdirAll(w.archive.spool, 0o700); err != nil {
			return err
		}
	}
	if w.file, err = os.CreateTemp(w.archive.spool, "trueup-archive-*"); err != nil {
		return err
	}
	w.stored = sha256.New()
	switch {
	case bytes.HasPrefix(first, []byte{0x1f, 0x8b}): // RFC 1952
		w.suffix = ".received.gz"
	case bytes.HasPrefix(first, []byte{0x28, 0xb5, 0x2f, 0xfd}): // RFC 8878
		w.suffix = ".received.zst"
	default:
		w.suffix = ".zst"
		w.pack, err = zstd.NewWriter(io.MultiWriter(w.file, w.stored), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(1))
	}
	return err
}

func (w *ArchiveWriter) sink() io.Writer {
	if w.pack != nil {
		return w.pack
	}
	return io.MultiWriter(w.file, w.stored)
}

// Commit ends the input and returns its SHA-256 and size. When it returns, the bytes are kept durably; bytes that the
// archive has already are not kept twice.
func (w *ArchiveWriter) Commit() (facts.Digest, int64, error) {
	if w.hash == nil {
		return facts.Digest{}, w.bytes, nil
	}
	sum := facts.Digest(w.hash.Sum(nil))
	if w.archive.kind == referencing {
		return sum, w.bytes, nil
	}
	if w.file == nil { // no bytes at all are an input too
		if err := w.begin(nil); err != nil {
			return sum, w.bytes, w.fault(err)
		}
	}
	defer w.Abort()
	return sum, w.bytes, w.fault(w.keep(sum))
}

func (w *ArchiveWriter) keep(sum facts.Digest) error {
	if w.pack != nil {
		if err := w.pack.Close(); err != nil {
			return err
		}
		w.pack = nil
	}
	if _, err := w.archive.find(w.ctx, sum); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := w.archive.store.Put(w.ctx, objectKey(sum)+w.suffix, w.file, [sha256.Size]byte(w.stored.Sum(nil)))
	if _, ok := errors.AsType[*blob.ExistsError](err); ok {
		return nil // packed differently by another build; the digest is of what is in it
	}
	return err
}

// Abort forgets the input.
func (w *ArchiveWriter) Abort() {
	if w.pack != nil {
		_ = w.pack.Close() // nobody reads what it still writes
		w.pack = nil
	}
	if w.file != nil {
		_ = w.file.Close()
		_ = os.Remove(w.file.Name())
		w.file = nil
	}
}

func objectKey(sum facts.Digest) string {
	name := hex.EncodeToString(sum[:])
	return "objects/sha256/" + name[:2] + "/" + name
}

// find returns the suffix under which the archive has the bytes of a digest; the error wraps [fs.ErrNotExist] if it has
// not.
func (a *Archive) find(ctx context.Context, sum facts.Digest) (suffix string, err error) {
	for _, suffix = range []string{".zst", ".received.gz", ".received.zst"} {
		if _, err = a.store.Stat(ctx, objectKey(sum)+suffix); !errors.Is(err, fs.ErrNotExist) {
			return suffix, err
		}
	}
	return "", err
}

// CorruptError says that what the archive holds is not what it was given.
type CorruptError struct {
	Want, Have facts.Digest // Have is zero where the object cannot even be unpacked
	Err        error        // why not, may be nil
}

func (e *CorruptError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("archived object %s is damaged: %v", e.Want, e.Err)
	}
	return fmt.Sprintf("archived object %s is damaged: its bytes have %s", e.Want, e.Have)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// Open returns the bytes of a digest as they were received. Reading ends with a [*CorruptError] instead of [io.EOF] if
// they are not those of the digest; only bytes read to the end are proven. The error wraps [fs.ErrNotExist] if the
// archive does not have them.
func (a *Archive) Open(ctx context.Context, sum facts.Digest) (io.ReadCloser, error) {
	if a.store == nil {
		return nil, &Error{Op: "open " + sum.String(), Reason: "this archive keeps nothing", Err: fs.ErrNotExist}
	}
	suffix, err := a.find(ctx, sum)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Op: "open " + sum.String(), Reason: "the archive does not have it", Err: err,
			Hint: "check that archive: names the place of that run; inputs that are only referenced are kept by the operator"}
	}
	if err != nil {
		return nil, unanswered("open "+sum.String(), err)
	}
	raw, err := a.store.Get(ctx, objectKey(sum)+suffix)
	if err != nil {
		return nil, unanswered("open "+sum.String(), err)
	}
	r := &archiveReader{ctx: ctx, raw: raw, from: raw, want: sum, hash: sha256.New()}
	if suffix == ".zst" {
		unpack, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return nil, errors.Join(&CorruptError{Want: sum, Err: err}, raw.Close())
		}
		r.from, r.unpack = unpack, unpack
	}
	return r, nil
}

type archiveReader struct {
	ctx    context.Context
	raw    io.Closer
	from   io.Reader
	unpack *zstd.Decoder // nil where the object holds the bytes as received
	want   facts.Digest
	hash   hash.Hash
}

func (r *archiveReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.from.Read(b)
	r.hash.Write(b[:n])
	switch {
	case errors.Is(err, io.EOF):
		if have := facts.Digest(r.hash.Sum(nil)); have != r.want {
			return n, &CorruptError{Want: r.want, Have: have}
		}
	case err != nil && r.unpack != nil && !lineLost(err):
		return n, &CorruptError{Want: r.want, Err: err}
	}
	return n, err
}

// lineLost reports whether reading broke off because the store did, which says nothing of the bytes.
func lineLost(err error) bool {
	_, store := errors.AsType[*blob.Error](err)
	return store || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (r *archiveReader) Close() error {
	if r.unpack != nil {
		r.unpack.Close()
	}
	return r.raw.Close()
}
