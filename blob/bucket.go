package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Bucket is a [Store] in a bucket of Amazon S3, or of a compatible store that knows If-None-Match. Every object is one
// PutObject with its SHA-256, never a multipart upload, whose checksum would not be that of the bytes (S3 User Guide,
// "Checking object integrity").
type Bucket struct {
	client      *s3.Client
	credentials aws.CredentialsProvider
	section     S3
	region      string
	name        string
	prefix      string // "" or ending with a slash
	now         func() time.Time
}

// maxPut is the most that one PutObject takes: 5 GB (S3 User Guide, "Uploading objects").
const maxPut = 5 << 30

// String is the bucket's location.
func (b *Bucket) String() string { return "s3://" + b.name + "/" + strings.TrimSuffix(b.prefix, "/") }

// Put implements [Store]. The store is asked to create and never to replace; where the object exists, its SHA-256 is
// compared.
func (b *Bucket) Put(ctx context.Context, key string, body io.ReadSeeker, sum [sha256.Size]byte) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	size, err := b.measure(ctx, key, body, sum)
	if err != nil {
		return err
	}
	const tries = 3 // an object that somebody deletes between our put and our look at it
	for n := 1; ; n++ {
		err := b.create(ctx, key, body, size, sum)
		if status(err) != http.StatusPreconditionFailed {
			return b.explain(ctx, b.putAction(), key, err)
		}
		if err = b.sameAs(ctx, key, sum); n == tries || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
}

// putAction is what a put needs to be allowed.
func (b *Bucket) putAction() string {
	if b.section.ObjectLock.Wanted() {
		return "s3:PutObject with s3:PutObjectRetention"
	}
	return "s3:PutObject"
}

// measure reads body once: what is sent must be what was announced, whatever the store looks at.
func (b *Bucket) measure(ctx context.Context, key string, body io.ReadSeeker, sum [sha256.Size]byte) (int64, error) {
	size, err := body.Seek(0, io.SeekEnd)
	if err == nil && size > maxPut {
		return 0, &Error{Place: b.at(key), Reason: fmt.Sprintf("would have %d bytes, and one put takes %d at most", size, int64(maxPut)),
			Hint: "split the export, or archive_inputs: reference"}
	}
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	hash := sha256.New()
	if err == nil {
		size, err = io.Copy(hash, reader{ctx, body})
	}
	if err != nil {
		return 0, fmt.Errorf("put %s: %w", key, err)
	}
	if have := [sha256.Size]byte(hash.Sum(nil)); have != sum {
		return 0, &MismatchError{Key: key, Have: have, Want: sum}
	}
	return size, nil
}

// create sends the one request that writes.
func (b *Bucket) create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum [sha256.Size]byte) error {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := &s3.PutObjectInput{Bucket: &b.name, Key: aws.String(b.prefix + key), Body: body, ContentLength: &size,
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])), IfNoneMatch: aws.String("*"),
		ExpectedBucketOwner: b.owner(), ServerSideEncryption: types.ServerSideEncryption(b.section.SSE)}
	if b.section.KMSKey != "" {
		in.SSEKMSKeyId = &b.section.KMSKey
	}
	if lock := b.section.ObjectLock; lock.Wanted() {
		in.ObjectLockMode = types.ObjectLockMode(strings.ToUpper(lock.Mode))
		in.ObjectLockRetainUntilDate = aws.Time(b.now().UTC().AddDate(0, 0, lock.Days).Truncate(time.Second))
	}
	_, err := b.client.PutObject(ctx, in, signedAs(sum))
	return err
}

// signedAs has the request signed with a hash that is known, instead of reading the body once more for it.
func signedAs(sum [sha256.Size]byte) func(*s3.Options) {
	step := middleware.InitializeMiddlewareFunc("KnownPayloadHash", func(ctx context.Context, in middleware.InitializeInput,
		next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		return next.HandleInitialize(v4.SetPayloadHash(ctx, hex.EncodeToString(sum[:])), in)
	})
	return s3.WithAPIOptions(func(stack *middleware.Stack) error { return stack.Initialize.Add(step, middleware.Before) })
}

func (b *Bucket) owner() *string {
	if b.section.BucketOwner == "" {
		return nil
	}
	return &b.section.BucketOwner
}

// sameAs returns nil if the object exists with that content. Stores that keep no SHA-256 are read.
func (b *Bucket) sameAs(ctx context.Context, key string, sum [sha256.Size]byte) error {
	head, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: aws.String(b.prefix + key),
		ExpectedBucketOwner: b.owner(), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return b.explain(ctx, "s3:GetObject", key, err)
	}
	have, err := base64.StdEncoding.DecodeString(aws.ToString(head.ChecksumSHA256)) // a composite one ends with -PARTS
	if err != nil || len(have) != sha256.Size {
		if have, err = b.read(ctx, key); err != nil {
			return err
		}
	}
	if got := [sha256.Size]byte(have); got != sum {
		return &ExistsError{Key: key, Have: got, Want: sum}
	}
	return nil
}

// read returns the SHA-256 of an object's bytes.
func (b *Bucket) read(ctx context.Context, key string) ([]byte, error) {
	body, err := b.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	_, err = io.Copy(hash, body)
	return hash.Sum(nil), errors.Join(err, body.Close())
}

// Get implements [Store]. Reading goes on where it was when a connection breaks.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := errors.Join(CheckKey(key), ctx.Err()); err != nil {
		return nil, err
	}
	in := s3.GetObjectInput{Bucket: &b.name, Key: aws.String(b.prefix + key), ExpectedBucketOwner: b.owner()}
	out, err := b.client.GetObject(ctx, &in)
	if err != nil {
		return nil, b.explain(ctx, "s3:GetObject", key, err)
	}
	in.IfMatch = out.ETag
	return &object{ReadCloser: out.Body, ctx: ctx, bucket: b, key: key, rest: in}, nil
}

// object is one being read.
type object struct {
	io.ReadCloser
	ctx     context.Context
	bucket  *Bucket
	key     string
	rest    s3.GetObjectInput // asks for what is still to come
	done    int64             // bytes read
	resumed int
}

// Read implements [io.Reader]. What breaks it off for good is told as a fault of the store.
func (o *object) Read(p []byte) (int, error) {
	for {
		n, err := o.ReadCloser.Read(p)
		o.done += int64(n)
		switch {
		case err == nil, errors.Is(err, io.EOF):
			return n, err
		case n > 0:
			return n, nil
		}
		if err := o.resume(err); err != nil {
			return 0, o.bucket.explain(o.ctx, "s3:GetObject", o.key, err)
		}
	}
}

// resume asks for the rest of an object after its connection broke, a few times; it returns why it could not.
func (o *object) resume(broken error) error {
	const times = 3
	if o.resumed++; o.ctx.Err() != nil || o.resumed > times {
		return broken
	}
	o.rest.Range = aws.String(fmt.Sprintf("bytes=%d-", o.done))
	out, err := o.bucket.client.GetObject(o.ctx, &o.rest)
	if err != nil {
		return err
	}
	_ = o.Close() // it is broken
	o.ReadCloser = out.Body
	if out.ContentRange == nil {
		return broken // the store begins again from the start
	}
	return nil
}

// Stat implements [Store]. It lists: asking for a missing object itself is answered with 403, not 404, unless the caller
// may list the whole bucket (Amazon S3 API Reference, HeadObject).
func (b *Bucket) Stat(ctx context.Context, key string) (Info, error) {
	if err := CheckKey(key); err != nil {
		return Info{}, err
	}
	page, err := b.client.ListObjectsV2(ctx, b.listing(key, 1))
	if err != nil {
		return Info{}, b.explain(ctx, "s3:ListBucket", key, err)
	}
	for _, o := range page.Contents {
		if aws.ToString(o.Key) == b.prefix+key { // nothing that it is a prefix of stands before it
			return Info{Key: key, Bytes: aws.ToInt64(o.Size)}, nil
		}
	}
	return Info{}, fmt.Errorf("stat %s: %w", b.at(key), fs.ErrNotExist)
}

func (b *Bucket) listing(prefix string, most int32) *s3.ListObjectsV2Input {
	return &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: aws.String(b.prefix + prefix), ExpectedBucketOwner: b.owner(), MaxKeys: &most}
}

// List implements [Store]. General purpose buckets list in byte order.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return b.list(ctx, prefix, 1000)
}

func (b *Bucket) list(ctx context.Context, prefix string, page int32) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, b.listing(prefix, page))
		for pages.HasMorePages() {
			found, err := pages.NextPage(ctx)
			if err != nil {
				yield(Info{}, b.explain(ctx, "s3:ListBucket", prefix, err))
				return
			}
			for _, o := range found.Contents {
				key := strings.TrimPrefix(aws.ToString(o.Key), b.prefix)
				if CheckKey(key) == nil && !yield(Info{Key: key, Bytes: aws.ToInt64(o.Size)}, nil) {
					return
				}
			}
		}
	}
}

const markerText = "trueup puts this object, if it is not there, to see whether it may write here. Leave it where it is.\n"

// marker is the key of the object that [Bucket.Probe] creates once: one for each way of encrypting and locking, so that
// another key or mode is tried too.
func (b *Bucket) marker() string {
	s := b.section
	if s.SSE == "" && !s.ObjectLock.Wanted() {
		return "trueup-check.txt"
	}
	way := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", s.SSE, s.KMSKey, s.ObjectLock.Mode))
	return fmt.Sprintf("trueup-check-%x.txt", way[:4])
}

// Probe implements [Store]: it finds credentials, lists, looks whether the bucket can lock objects where that is asked
// for, creates the marker or finds it created, and reads it. It does not wait as long as the other verbs for a store that
// does not answer.
func (b *Bucket) Probe(ctx context.Context) error {
	if _, err := b.credentials.Retrieve(ctx); err != nil {
		return b.explain(ctx, "", "", err)
	}
	brisk := *b
	brisk.client = s3.New(b.client.Options(), func(o *s3.Options) { o.RetryMaxAttempts = 2 })
	if _, err := brisk.client.ListObjectsV2(ctx, b.listing("", 1)); err != nil {
		return b.explain(ctx, "s3:ListBucket", "", err)
	}
	if b.section.ObjectLock.Wanted() {
		if err := brisk.checkLock(ctx); err != nil {
			return err
		}
	}
	if err := brisk.Put(ctx, b.marker(), strings.NewReader(markerText), sha256.Sum256([]byte(markerText))); err != nil {
		return err
	}
	body, err := brisk.Get(ctx, b.marker())
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(body, int64(len(markerText))+1))
	if err = errors.Join(err, body.Close()); err == nil && !bytes.Equal(text, []byte(markerText)) {
		err = &Error{Place: b.at(b.marker()), Reason: "is not what was put there", Hint: "something between here and the store changes objects"}
	}
	return err
}

// checkLock looks whether the bucket has Object Lock and, if not, what it lacks.
func (b *Bucket) checkLock(ctx context.Context) error {
	lock, err := b.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &b.name, ExpectedBucketOwner: b.owner()})
	if err == nil && lock.ObjectLockConfiguration != nil && lock.ObjectLockConfiguration.ObjectLockEnabled == types.ObjectLockEnabledEnabled {
		return nil
	}
	if err != nil && status(err) != http.StatusNotFound || code(err) == "NoSuchBucket" {
		return b.explain(ctx, "s3:GetBucketObjectLockConfiguration", "", err)
	}
	versions, err := b.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &b.name, ExpectedBucketOwner: b.owner()})
	if err != nil {
		return b.explain(ctx, "s3:GetBucketVersioning", "", err)
	}
	if versions.Status != types.BucketVersioningStatusEnabled {
		return &Error{Place: b.String(), Reason: "has neither versioning nor Object Lock, which object_lock asks for",
			Hint: "enable versioning and then Object Lock for the bucket (docs/operations.md), or object_lock: {mode: none}"}
	}
	return b.lockless()
}

func (b *Bucket) lockless() *Error {
	return &Error{Place: b.String(), Reason: "has no Object Lock, which object_lock asks for",
		Hint: "enable Object Lock for the bucket (docs/operations.md), or object_lock: {mode: none}"}
}

// at is the location of an object.
func (b *Bucket) at(key string) string { return "s3://" + b.name + "/" + b.prefix + key }

// status is the HTTP status of an answer that is an error; 0 if there was none.
func status(err error) int {
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return answer.HTTPStatusCode()
	}
	return 0
}
