package exports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"trueup/connectors"
	"trueup/facts"
)

// located is a file that is to be read.
type located struct {
	name, product string
	size          int64
	digest        *facts.Digest // what it must have; nil if that is not known
	open          func(ctx context.Context) (io.ReadCloser, error)
}

// resolve lists the files of a pull: those of the archive, or those that the patterns name below dir. Patterns are those
// of [filepath.Match]; one that names no file is an error. A file that several patterns of one product name is read once.
func resolve(p connectors.Pull, dir string, patterns []connectors.Pattern) ([]located, error) {
	if p.Archived != nil {
		return archived(p.Archived)
	}
	if len(patterns) == 0 {
		return nil, &connectors.Error{Class: connectors.Permanent, Reason: fmt.Sprintf("no files for the %s feed", p.Feed),
			Hint: "name them under files: in the source's section"}
	}
	var files []located
	seen := map[connectors.Pattern]bool{}
	for _, pattern := range patterns {
		found, err := match(dir, pattern)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if key := (connectors.Pattern{Glob: f.name, Product: f.product}); !seen[key] {
				seen[key] = true
				files = append(files, f)
			}
		}
	}
	return files, nil
}

func archived(kept []connectors.Archived) ([]located, error) {
	if len(kept) == 0 {
		return nil, &connectors.Error{Class: connectors.Incomplete, Place: "archive", Reason: "no files of the earlier pull"}
	}
	files := make([]located, len(kept))
	for n, a := range kept {
		files[n] = located{name: a.File.Name, product: a.File.Product, size: a.File.Bytes, digest: &a.File.SHA256, open: a.Open}
	}
	return files, nil
}

// match lists the regular files of one pattern, by name.
func match(dir string, pattern connectors.Pattern) ([]located, error) {
	glob := filepath.FromSlash(pattern.Glob)
	if !filepath.IsAbs(glob) {
		glob = filepath.Join(literal(dir), glob)
	}
	paths, err := filepath.Glob(glob)
	if err != nil {
		return nil, &connectors.Error{Class: connectors.Permanent, Place: pattern.Glob, Err: err,
			Hint: "a pattern has *, ? and [a-z]; a backslash takes their meaning away"}
	}
	var files []located
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, unreadable(pattern.Glob, err)
		}
		if info.IsDir() {
			continue
		}
		if !info.Mode().IsRegular() { // opening a pipe waits for whoever writes to it, and nothing ends that
			return nil, &connectors.Error{Class: connectors.Permanent, Place: named(dir, path, false), Reason: "is a pipe, socket or device, not a file"}
		}
		files = append(files, located{name: named(dir, path, filepath.IsAbs(filepath.FromSlash(pattern.Glob))),
			product: pattern.Product, size: info.Size(),
			open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }})
	}
	if len(files) == 0 {
		return nil, &connectors.Error{Class: connectors.Permanent, Place: pattern.Glob, Reason: "matches no file",
			Hint: "patterns are relative to the configuration file; check the name, or whether the export ran"}
	}
	return files, nil
}

// named returns path as the operator wrote it: relative to dir unless the pattern was absolute.
func named(dir, path string, absolute bool) string {
	if !absolute {
		if rel, err := filepath.Rel(dir, path); err == nil {
			path = rel
		}
	}
	return filepath.ToSlash(path)
}

// literal takes the special meaning from the characters of a folder's name.
func literal(dir string) string {
	if os.PathSeparator == '\\' {
		return dir // there is no escape on this system
	}
	var out []byte
	for _, c := range []byte(dir) {
		switch c {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	return string(out)
}

// Check reports patterns that name no file, and files that cannot be opened or hold nothing.
func Check(ctx context.Context, dir string, patterns []connectors.Pattern) error {
	files, err := resolve(connectors.Pull{}, dir, patterns)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		if err := f.probe(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (f *located) probe(ctx context.Context) error {
	if f.size == 0 {
		return placed(f.name, empty())
	}
	r, err := f.open(ctx)
	if err != nil {
		return unreadable(f.name, err)
	}
	defer func() { _ = r.Close() }() // it was only read
	if _, err := r.Read(make([]byte, 1)); err != nil {
		return unreadable(f.name, err)
	}
	return nil
}
