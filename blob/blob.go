// Package blob keeps immutable objects under names, in a folder or in an S3 bucket. Objects are only ever created: a
// second put of the same bytes under a name succeeds and changes nothing, a put of other bytes is refused, and there is no
// verb that replaces or deletes.
package blob

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Store holds immutable objects. It is safe for concurrent use, also by several processes on one location.
//
// A key is a slash-separated relative path of letters, digits and the characters ". _ = -"; no part of it is empty or
// begins with a dot, see [CheckKey].
type Store interface {
	// Put creates the object from body, whose SHA-256 must be sum; body is read from its start. It succeeds if the object
	// exists with the same content, and fails with [*ExistsError] if it exists with another. Readers see the whole object
	// or none. When Put returns nil the object is durable.
	Put(ctx context.Context, key string, body io.ReadSeeker, sum [sha256.Size]byte) error
	// Get opens the object. The error wraps [fs.ErrNotExist] if there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// Stat describes the object. The error wraps [fs.ErrNotExist] if there is none.
	Stat(ctx context.Context, key string) (Info, error)
	// List yields the objects whose keys begin with prefix, in byte order of their keys, until one cannot be read.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Probe says whether objects can be listed, created and read here, before there is anything to lose. A bucket is left
	// with one small object, trueup-check….txt; it is the same for ever, so that only the first probe creates it.
	Probe(ctx context.Context) error
}

// Info describes one object.
type Info struct {
	Key   string
	Bytes int64
}

// Options are what opening a location may need.
type Options struct {
	Base string           // folder that relative ones are relative to
	S3   S3               // for buckets
	Now  func() time.Time // from which Object Lock counts its days; only needed where that is asked for
}

// Open returns the store at location: "file:DIR" or "s3://BUCKET/PREFIX". A folder is created if need be; of a bucket
// nothing is asked yet, see [Store.Probe]. The error is an [*Error] with a hint.
func Open(ctx context.Context, location string, o Options) (Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at, err := parse(location)
	if err != nil {
		return nil, err
	}
	if at.bucket != "" {
		return openBucket(ctx, at, o)
	}
	if !filepath.IsAbs(at.dir) {
		at.dir = filepath.Join(o.Base, at.dir)
	}
	return OpenFolder(at.dir)
}

// CheckLocation says whether location can be one at all. The error is an [*Error] with a hint.
func CheckLocation(location string) error {
	_, err := parse(location)
	return err
}

// place is a location, taken apart: a folder, or a bucket with a prefix that is "" or ends with a slash.
type place struct{ dir, bucket, prefix string }

func parse(location string) (place, error) {
	fault := func(reason, hint string) error { return &Error{Place: location, Reason: reason, Hint: hint} }
	scheme, rest, found := strings.Cut(location, ":")
	switch {
	case !found:
		return place{}, fault("is not a location", "write file:"+location+" for a folder, s3://BUCKET/PREFIX for a bucket")
	case scheme == "file" && rest != "":
		return place{dir: rest}, nil
	case scheme != "s3" || !strings.HasPrefix(rest, "//"):
		return place{}, fault("is not a location", "use file:DIR or s3://BUCKET/PREFIX")
	}
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
	if !bucketName.MatchString(bucket) || strings.Contains(bucket, "..") {
		return place{}, fault(fmt.Sprintf("names no bucket: %q", bucket), "3 to 63 lower-case letters, digits, dots and dashes")
	}
	prefix = strings.TrimSuffix(prefix, "/")
	if prefix == "" {
		return place{bucket: bucket}, nil
	}
	if err := CheckKey(prefix); err != nil {
		return place{}, &Error{Place: location, Reason: "has a prefix that cannot be one", Err: err,
			Hint: "letters, digits and . _ = - between single slashes"}
	}
	return place{bucket: bucket, prefix: prefix + "/"}, nil
}

// bucketName is what Amazon S3 lets general purpose buckets be called (S3 User Guide, "Bucket naming rules").
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// OpenFolder returns the store in dir, which it creates if need be.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, &Error{Place: dir, Reason: "cannot be made", Err: err, Hint: "create the folder, or name one that may be written to"}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &Error{Place: dir, Reason: "cannot be opened", Err: err, Hint: "name a folder that may be read and written"}
	}
	return &Folder{root: root}, nil
}

// CheckKey says whether key may name an object.
func CheckKey(key string) error {
	if len(key) > 1024 {
		return &Error{Place: key[:64] + "…", Reason: fmt.Sprintf("a key of %d bytes is longer than 1024", len(key))}
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part[0] == '.' {
			return &Error{Place: fmt.Sprintf("%q", key), Reason: "is not a key: a part is empty or begins with a dot"}
		}
	}
	for _, c := range []byte(key) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("./_=-", c) >= 0:
		default:
			return &Error{Place: fmt.Sprintf("%q", key), Reason: fmt.Sprintf("is not a key: it holds %q", c)}
		}
	}
	return nil
}

// Error is a fault of a location or a key, with what to do about it.
type Error struct {
	Place  string // location, folder or key
	Reason string // what is wrong, lower case, no full stop
	Hint   string // what to do; "" if there is nothing to say
	Err    error  // cause, may be nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Place + " " + e.Reason
	}
	return e.Place + " " + e.Reason + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// ExistsError says that another object stands under the key already. What is published is never replaced.
type ExistsError struct {
	Key        string
	Have, Want [sha256.Size]byte // of the object that stands there, and of the one refused
}

func (e *ExistsError) Error() string {
	return fmt.Sprintf("%s exists with other content: sha256:%x, not sha256:%x", e.Key, e.Have[:6], e.Want[:6])
}

// MismatchError says that the bytes are not those announced.
type MismatchError struct {
	Key        string
	Have, Want [sha256.Size]byte
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s: the bytes have sha256:%x, announced was sha256:%x", e.Key, e.Have[:6], e.Want[:6])
}
