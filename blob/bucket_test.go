package blob_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"trueup/blob"
	"trueup/blob/blobtest"
)

// TestBucket runs against a real server: the exercise of all stores on each kind of bucket, and what only buckets have.
func TestBucket(t *testing.T) {
	server := blobtest.Start(t)
	wire := newRecorder(t, server.Endpoint)
	section := server.Section()
	section.Endpoint = wire.url
	options := blob.Options{S3: section, Now: time.Now}
	locking := options
	locking.S3.ObjectLock = blob.ObjectLock{Mode: "compliance", Days: 30}

	for bucket, o := range map[string]blob.Options{blobtest.Plain: options, blobtest.Versioned: options, blobtest.Locked: locking} {
		t.Run(bucket, func(t *testing.T) {
			n := 0
			blobtest.Exercise(t, func(t *testing.T) func() blob.Store {
				n++
				location := fmt.Sprintf("s3://%s/exercise/%d", bucket, n)
				return func() blob.Store { return open(t, location, o) }
			})
		})
	}
	t.Run("one version", func(t *testing.T) {
		for _, bucket := range []string{blobtest.Versioned, blobtest.Locked} {
			versions := server.Versions(t, bucket, "exercise/")
			var keys []string
			for _, v := range versions {
				keys = append(keys, *v.Key)
			}
			if slices.Sort(keys); len(slices.Compact(slices.Clone(keys))) != len(keys) || len(keys) < 10 {
				t.Errorf("%s: an object was written twice: %v", bucket, keys)
			}
		}
	})
	t.Run("whole bucket", func(t *testing.T) { wholeBucket(t, server, options) })
	t.Run("lock stands", func(t *testing.T) { lockStands(t, server, locking) })
	t.Run("lock is missed", func(t *testing.T) { lockIsMissed(t, locking) })
	t.Run("checksum is kept", func(t *testing.T) { checksumIsKept(t, server, options) })
	t.Run("wrong checksum", func(t *testing.T) { wrongChecksum(t, server) })
	t.Run("no checksum", func(t *testing.T) { comparedByReading(t, server, options) })
	t.Run("wire", func(t *testing.T) { wire.onlyCreates(t) })
}

// wholeBucket has no prefix: keys are those of the bucket.
func wholeBucket(t *testing.T, server *blobtest.Server, o blob.Options) {
	if err := blobtest.Put(t.Context(), open(t, "s3://plain", o), "whole/a", "x"); err != nil {
		t.Fatal(err)
	}
	for _, location := range []string{"s3://plain", "s3://plain/"} {
		if keys := blobtest.Keys(t, open(t, location, o), "whole/"); !slices.Equal(keys, []string{"whole/a"}) {
			t.Errorf("%s lists %v", location, keys)
		}
	}
	if keys := blobtest.Keys(t, open(t, "s3://plain/whole/", o), ""); !slices.Equal(keys, []string{"a"}) {
		t.Errorf("below the prefix are %v", keys)
	}
}

// lockStands tries to delete the version that a put made, as the server's owner.
func lockStands(t *testing.T, server *blobtest.Server, o blob.Options) {
	if err := blobtest.Put(t.Context(), open(t, "s3://locked/kept", o), "a", "evidence"); err != nil {
		t.Fatal(err)
	}
	versions := server.Versions(t, blobtest.Locked, "kept/a")
	if len(versions) != 1 {
		t.Fatalf("%d versions", len(versions))
	}
	client := server.Client()
	bucket, key := aws.String(blobtest.Locked), aws.String("kept/a")
	if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: key, VersionId: versions[0].VersionId,
		BypassGovernanceRetention: aws.Bool(true)}); err == nil {
		t.Error("the version could be deleted")
	}
	kept, err := client.GetObjectRetention(t.Context(), &s3.GetObjectRetentionInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	until := time.Until(*kept.Retention.RetainUntilDate)
	if kept.Retention.Mode != types.ObjectLockRetentionModeCompliance || until < 29*24*time.Hour || until > 30*24*time.Hour+time.Minute {
		t.Errorf("%s, for %s more", kept.Retention.Mode, until)
	}
	if got := blobtest.Read(t, open(t, "s3://locked/kept", o), "a"); got != "evidence" {
		t.Errorf("it reads %q", got)
	}
}

// lockIsMissed asks for Object Lock where there is none.
func lockIsMissed(t *testing.T, o blob.Options) {
	for bucket, says := range map[string]string{blobtest.Plain: "has neither versioning nor Object Lock", blobtest.Versioned: "has no Object Lock"} {
		err := open(t, "s3://"+bucket+"/lockless", o).Probe(t.Context())
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want that it %s", bucket, err, says)
		}
		if keys := blobtest.Keys(t, open(t, "s3://"+bucket+"/lockless", o), ""); len(keys) > 0 {
			t.Errorf("%s: put all the same: %v", bucket, keys)
		}
	}
}

// checksumIsKept asks the server for the SHA-256 of an object: it is that of the bytes, whole.
func checksumIsKept(t *testing.T, server *blobtest.Server, o blob.Options) {
	if err := blobtest.Put(t.Context(), open(t, "s3://plain/sums", o), "a", "bytes"); err != nil {
		t.Fatal(err)
	}
	head, err := server.Client().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(blobtest.Plain), Key: aws.String("sums/a"),
		ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(head.ChecksumSHA256); got != base64Of("bytes") {
		t.Errorf("the server keeps %q as SHA-256", got)
	}
}

// wrongChecksum shows that the server itself looks at what it is sent: it would refuse what trueup had not looked at.
func wrongChecksum(t *testing.T, server *blobtest.Server) {
	_, err := server.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(blobtest.Plain), Key: aws.String("wrong"),
		Body: strings.NewReader("other"), ChecksumSHA256: aws.String(base64Of("bytes"))})
	if err == nil || !strings.Contains(err.Error(), "BadDigest") {
		t.Errorf("bytes of another SHA-256: %v", err)
	}
}

// comparedByReading puts what somebody else has put there without a SHA-256.
func comparedByReading(t *testing.T, server *blobtest.Server, o blob.Options) {
	if _, err := server.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(blobtest.Plain), Key: aws.String("foreign/a"),
		Body: strings.NewReader("there already")}); err != nil {
		t.Fatal(err)
	}
	s := open(t, "s3://plain/foreign", o)
	if err := blobtest.Put(t.Context(), s, "a", "there already"); err != nil {
		t.Error(err)
	}
	if err := blobtest.Put(t.Context(), s, "a", "other"); err == nil {
		t.Error("other content is taken for the same")
	}
}

func base64Of(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// recorder stands between client and server and keeps what is asked.
type recorder struct {
	url  string
	mu   sync.Mutex
	seen []*http.Request // without bodies
	sums []string        // of the bodies, in base64
}

func newRecorder(t *testing.T, target string) *recorder {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(to)
		p.Out.Host = p.In.Host // which is signed
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // a writer that was cancelled
		}
		sum := sha256.Sum256(body)
		kept := req.Clone(req.Context())
		r.mu.Lock()
		r.seen, r.sums = append(r.seen, kept), append(r.sums, base64.StdEncoding.EncodeToString(sum[:]))
		r.mu.Unlock()
		req.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// onlyCreates looks at everything that was sent in all tests: the only verb that writes is a conditional put of one
// object, whole, with the SHA-256 of its bytes.
func (r *recorder) onlyCreates(t *testing.T) {
	puts := 0
	for n, req := range r.seen {
		switch req.Method {
		case http.MethodGet, http.MethodHead:
			continue
		case http.MethodPut:
			puts++
		default:
			t.Errorf("%s %s was sent", req.Method, req.URL)
			continue
		}
		h := req.Header
		for _, bad := range []string{"X-Amz-Trailer", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Checksum-Crc32", "X-Amz-Acl", "X-Amz-Copy-Source"} {
			if h.Get(bad) != "" {
				t.Errorf("put %s has %s: %s", req.URL, bad, h.Get(bad))
			}
		}
		if h.Get("If-None-Match") != "*" || h.Get("X-Amz-Checksum-Sha256") != r.sums[n] || strings.Contains(h.Get("Content-Encoding"), "chunked") ||
			len(req.TransferEncoding) > 0 || req.URL.Query().Has("uploadId") || req.URL.Query().Has("partNumber") {
			t.Errorf("put %s: %v", req.URL, h)
		}
		sum, err := base64.StdEncoding.DecodeString(r.sums[n])
		if want := fmt.Sprintf("%x", sum); err != nil || h.Get("X-Amz-Content-Sha256") != want {
			t.Errorf("put %s is signed with %s, its bytes have %s", req.URL, h.Get("X-Amz-Content-Sha256"), want)
		}
		locked := strings.HasPrefix(req.URL.Path, "/locked/")
		if (h.Get("X-Amz-Object-Lock-Mode") == "COMPLIANCE") != locked || (h.Get("X-Amz-Object-Lock-Retain-Until-Date") != "") != locked {
			t.Errorf("put %s has mode %q until %q", req.URL, h.Get("X-Amz-Object-Lock-Mode"), h.Get("X-Amz-Object-Lock-Retain-Until-Date"))
		}
	}
	if puts < 100 {
		t.Errorf("only %d puts went by", puts)
	}
}
