// Package chains keeps numbered chains of immutable files in a folder: each chain has a name of several parts, its files
// are numbered from 0, and a file that is there is never replaced. It knows nothing of what is in the files.
package chains

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"trueup/blob"
)

// Folder is a folder of chains. It is safe for concurrent use, also by several processes.
type Folder struct {
	store  *blob.Folder
	suffix string
}

// Open returns the chains in dir, which it creates if need be. Files end in suffix, ".license" for instance. Close
// releases the folder.
func Open(dir, suffix string) (*Folder, error) {
	store, err := blob.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{store: store, suffix: suffix}, nil
}

// Close releases the folder.
func (f *Folder) Close() error { return f.store.Close() }

// ErrTaken is a number of a chain that has other content.
var ErrTaken = errors.New("the chain has another file of this number")

// longest is how many files a chain may have: as many as six digits number.
const longest = 1_000_000

// Append creates file number n of a chain, durably. It succeeds, changing nothing, where the file is there with the same
// content, and fails with an error that wraps [ErrTaken] where it has other content.
func (f *Folder) Append(ctx context.Context, chain []string, n int, file []byte) error {
	if n < 0 || n >= longest {
		return fmt.Errorf("%s: number %d is not between 0 and %d", key(chain), n, longest-1)
	}
	name := path.Join(key(chain), fmt.Sprintf("%06d%s", n, f.suffix))
	err := f.store.Put(ctx, name, bytes.NewReader(file), sha256.Sum256(file))
	if exists, ok := errors.AsType[*blob.ExistsError](err); ok {
		return fmt.Errorf("%w: %w", ErrTaken, exists)
	}
	return err
}

// Read returns the files of a chain in order; none if there is no such chain.
func (f *Folder) Read(ctx context.Context, chain []string) ([][]byte, error) {
	var files [][]byte
	for info, err := range f.store.List(ctx, key(chain)+"/") {
		if err != nil {
			return nil, err
		}
		if !f.mine(info.Key) {
			continue
		}
		file, err := f.get(ctx, info.Key)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// Last returns the newest file of every chain, in byte order of the chains' folders.
func (f *Folder) Last(ctx context.Context) ([][]byte, error) {
	var keys []string
	for info, err := range f.store.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		switch last := len(keys) - 1; {
		case !f.mine(info.Key):
		case last >= 0 && path.Dir(keys[last]) == path.Dir(info.Key):
			keys[last] = info.Key
		default:
			keys = append(keys, info.Key)
		}
	}
	files := make([][]byte, len(keys))
	for n, key := range keys {
		var err error
		if files[n], err = f.get(ctx, key); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// mine tells files of chains from whatever else a person put into the folder.
func (f *Folder) mine(key string) bool {
	number, ok := strings.CutSuffix(path.Base(key), f.suffix)
	return ok && len(number) == 6 && strings.Trim(number, "0123456789") == ""
}

// longestFile is how many bytes of a file are read.
const longestFile = 1 << 20

func (f *Folder) get(ctx context.Context, key string) ([]byte, error) {
	r, err := f.store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, longestFile))
	return b, errors.Join(err, r.Close())
}

// key makes one folder name of each part: what is not a letter, digit, - or _ becomes = and two hexadecimal digits.
func key(chain []string) string {
	var b strings.Builder
	for n, part := range chain {
		if n > 0 {
			b.WriteByte('/')
		}
		for _, c := range []byte(part) {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "=%02X", c)
			}
		}
	}
	return b.String()
}
