package blob

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Folder is a [Store] in a folder of the local machine. An object is a file of its key's name; while it is being written
// it lies in the subfolder ".partial", which keys cannot reach. The file system must know hard links.
type Folder struct{ root *os.Root }

const partial = ".partial"

// Close releases the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Put implements [Store]. The object appears by a hard link, which never replaces: of several writers one wins, and the
// others find its object.
func (f *Folder) Put(ctx context.Context, key string, body io.ReadSeeker, sum [sha256.Size]byte) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	err := f.sameAs(ctx, key, sum)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	draft, err := f.draft(ctx, key, body, sum)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, advise(err))
	}
	defer func() { _ = f.root.Remove(draft) }() // its bytes stay under the key
	if err := f.publish(draft, key); errors.Is(err, fs.ErrExist) {
		return f.sameAs(ctx, key, sum)
	} else if err != nil {
		return fmt.Errorf("put %s: %w", key, advise(err))
	}
	return nil
}

// draft writes body to a new file, durably, and returns the file's name.
func (f *Folder) draft(ctx context.Context, key string, body io.ReadSeeker, sum [sha256.Size]byte) (string, error) {
	if err := f.root.MkdirAll(partial, 0o750); err != nil {
		return "", err
	}
	name := path.Join(partial, rand.Text())
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return "", err
	}
	have, err := fill(ctx, file, body)
	if err = errors.Join(err, file.Close()); err == nil && have != sum {
		err = &MismatchError{Key: key, Have: have, Want: sum}
	}
	if err != nil {
		_ = f.root.Remove(name)
		return "", err
	}
	return name, nil
}

// Sweep removes what was last written to before the given time and never published: what writers leave behind that are
// killed. A writer that is alive publishes its draft right after it has written the last byte, so a day ago is safe. Times are
// those of the file system.
func (f *Folder) Sweep(ctx context.Context, before time.Time) error {
	d, err := f.root.Open(partial)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweep: %w", advise(err))
	}
	drafts, err := d.ReadDir(-1)
	faults := []error{err, d.Close()}
	for _, draft := range drafts {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := draft.Info()
		if err == nil && info.Mode().IsRegular() && info.ModTime().Before(before) {
			err = f.root.Remove(path.Join(partial, draft.Name()))
		}
		if !errors.Is(err, fs.ErrNotExist) { // published or swept meanwhile
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("sweep: %w", advise(err))
	}
	return nil
}

// fill copies body into file and returns its SHA-256.
func fill(ctx context.Context, file *os.File, body io.ReadSeeker) (sum [sha256.Size]byte, err error) {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return sum, err
	}
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(file, hash), reader{ctx, body}); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(hash.Sum(nil)), file.Sync()
}

// publish gives the draft its name, durably.
func (f *Folder) publish(draft, key string) error {
	if err := f.root.MkdirAll(path.Dir(key), 0o750); err != nil {
		return err
	}
	if err := f.root.Link(draft, key); err != nil {
		return err
	}
	for dir := path.Dir(key); ; dir = path.Dir(dir) { // a new folder is itself an entry to be made durable
		if err := f.sync(dir); err != nil || dir == "." {
			return err
		}
	}
}

func (f *Folder) sync(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sameAs returns nil if the object exists with that content.
func (f *Folder) sameAs(ctx context.Context, key string, sum [sha256.Size]byte) error {
	file, err := f.Get(ctx, key)
	if err != nil {
		return err
	}
	hash := sha256.New()
	_, err = io.Copy(hash, reader{ctx, file})
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("compare %s: %w", key, err)
	}
	if have := [sha256.Size]byte(hash.Sum(nil)); have != sum {
		return &ExistsError{Key: key, Have: have, Want: sum}
	}
	return nil
}

// Get implements [Store].
func (f *Folder) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := errors.Join(CheckKey(key), ctx.Err()); err != nil {
		return nil, err
	}
	file, err := f.root.Open(key)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, advise(err))
	}
	return file, nil
}

// Stat implements [Store].
func (f *Folder) Stat(ctx context.Context, key string) (Info, error) {
	if err := errors.Join(CheckKey(key), ctx.Err()); err != nil {
		return Info{}, err
	}
	info, err := f.root.Stat(key)
	if err != nil {
		return Info{}, fmt.Errorf("stat %s: %w", key, advise(err))
	}
	if !info.Mode().IsRegular() {
		return Info{}, fmt.Errorf("stat %s: %w", key, fs.ErrNotExist)
	}
	return Info{Key: key, Bytes: info.Size()}, nil
}

// List implements [Store].
func (f *Folder) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		f.list(ctx, ".", prefix, yield)
	}
}

// list goes through a folder in byte order of the keys, in which "a.b" stands before "a/b", and tells whether to go on.
func (f *Folder) list(ctx context.Context, dir, prefix string, yield func(Info, error) bool) bool {
	entries, err := f.entries(ctx, dir)
	if err != nil {
		yield(Info{}, fmt.Errorf("list %s: %w", prefix, advise(err)))
		return false
	}
	for _, e := range entries {
		key := path.Join(dir, e.name)
		switch {
		case e.folder && (strings.HasPrefix(key+"/", prefix) || strings.HasPrefix(prefix, key+"/")):
			if !f.list(ctx, key, prefix, yield) {
				return false
			}
		case !e.folder && strings.HasPrefix(key, prefix):
			info, err := f.Stat(ctx, key)
			if !yield(info, err) || err != nil {
				return false
			}
		}
	}
	return true
}

// Probe implements [Store]: it makes a draft, links it and removes both.
func (f *Folder) Probe(ctx context.Context) error {
	if _, err := f.entries(ctx, "."); err != nil {
		return fmt.Errorf("list %s: %w", f.root.Name(), advise(err))
	}
	draft, err := f.draft(ctx, "a draft", strings.NewReader(""), sha256.Sum256(nil))
	if err != nil {
		return fmt.Errorf("write to %s: %w", f.root.Name(), advise(err))
	}
	err = f.root.Link(draft, draft+"-linked")
	_ = f.root.Remove(draft + "-linked")
	if err = errors.Join(err, f.root.Remove(draft)); err != nil {
		return fmt.Errorf("write to %s: %w", f.root.Name(), advise(err))
	}
	return nil
}

type entry struct {
	name   string
	folder bool
}

func (f *Folder) entries(ctx context.Context, dir string) ([]entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d, err := f.root.Open(dir)
	if err != nil {
		return nil, err
	}
	found, err := d.ReadDir(-1)
	if err := errors.Join(err, d.Close()); err != nil {
		return nil, err
	}
	var entries []entry
	for _, e := range found {
		if CheckKey(e.Name()) == nil && (e.IsDir() || e.Type().IsRegular()) {
			entries = append(entries, entry{e.Name(), e.IsDir()})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.sortKey(), b.sortKey()) })
	return entries, nil
}

// sortKey makes a folder sort as its keys do.
func (e entry) sortKey() string {
	if e.folder {
		return e.name + "/"
	}
	return e.name
}

// advise adds a hint where a person can do something about it.
func advise(err error) error {
	var hint string
	switch {
	case errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EROFS):
		hint = "give the user that runs trueup write access to the folder"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hint = "free some space on the volume; nothing half-written is left behind"
	case errors.Is(err, syscall.EPERM), errors.Is(err, errors.ErrUnsupported):
		hint = "use a file system that knows hard links"
	default:
		return err
	}
	return &Error{Place: "folder", Reason: "refuses", Err: err, Hint: hint}
}

// reader stops reading when ctx is done.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}
