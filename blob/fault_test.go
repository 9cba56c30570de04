package blob_test

import (
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"trueup/blob"
	"trueup/blob/blobtest"
)

const kmsKey = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"

// section is how the fake is reached.
func section(f *blobtest.Fake) blob.S3 {
	return blob.S3{Region: "eu-central-1", Endpoint: f.URL, PathStyle: true}
}

func brisk(t *testing.T, location string, s blob.S3) *blob.Bucket {
	t.Helper()
	b, err := blob.OpenBrisk(t.Context(), location, blob.Options{S3: s, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFakePasses has the small server pass the exercise that the real one passes.
func TestFakePasses(t *testing.T) {
	f := blobtest.NewFake(t)
	n := 0
	blobtest.Exercise(t, func(t *testing.T) func() blob.Store {
		n++
		location := fmt.Sprintf("s3://plain/%d", n)
		return func() blob.Store { return brisk(t, location, section(f)) }
	})
}

// TestFaults asks a bucket that something is wrong with: the error says what, and what to do; no secret is in it.
func TestFaults(t *testing.T) {
	always := 1 << 20
	lock := blob.ObjectLock{Mode: "governance", Days: 7}
	for _, c := range []struct {
		name, location string
		change         func(f *blobtest.Fake, s *blob.S3)
		says, hint     string
	}{
		{"no such bucket", "s3://plainn/x", nil, "s3://plainn/x is in a bucket that does not exist: 404 NoSuchBucket", "create the bucket"},
		{"may not list", "", func(f *blobtest.Fake, _ *blob.S3) { f.Deny = []string{"s3:ListBucket"} },
			"does not allow s3:ListBucket on arn:aws:s3:::plain: 403 AccessDenied", "trueup aws-policy"},
		{"may not put", "", func(f *blobtest.Fake, _ *blob.S3) { f.Deny = []string{"s3:PutObject"} },
			"does not allow s3:PutObject on arn:aws:s3:::plain/some/where/trueup-check.txt", "trueup aws-policy"},
		{"may not get", "", func(f *blobtest.Fake, _ *blob.S3) { f.Deny = []string{"s3:GetObject"} },
			"does not allow s3:GetObject on arn:aws:s3:::plain/some/where/trueup-check.txt", "trueup aws-policy"},
		{"may not lock", "s3://locked/x", func(f *blobtest.Fake, s *blob.S3) { s.ObjectLock, f.Deny = lock, []string{"s3:PutObjectRetention"} },
			"does not allow s3:PutObjectRetention on arn:aws:s3:::locked/x/trueup-check-", "trueup aws-policy"},
		{"may not look for locks", "s3://locked/x", func(f *blobtest.Fake, s *blob.S3) {
			s.ObjectLock, f.Deny = lock, []string{"s3:GetBucketObjectLockConfiguration"}
		}, "does not allow s3:GetBucketObjectLockConfiguration on arn:aws:s3:::locked: 403", "trueup aws-policy"},
		{"may not use the key", "", func(f *blobtest.Fake, s *blob.S3) {
			s.SSE, s.KMSKey, f.Deny = "aws:kms", kmsKey, []string{"kms:GenerateDataKey"}
		}, "does not allow kms:GenerateDataKey on " + kmsKey, "trueup aws-policy"},
		{"denied without a word", "", func(f *blobtest.Fake, _ *blob.S3) {
			f.Give(blobtest.Answer{Method: "PUT", Times: always, Status: 403, Code: "AccessDenied", Message: "Access Denied"})
		}, "does not allow s3:PutObject on arn:aws:s3:::plain/some/where/trueup-check.txt: 403 AccessDenied: Access Denied (request 4442587FB7D0A2F9)", ""},
		{"owned by another", "", func(f *blobtest.Fake, s *blob.S3) {
			s.BucketOwner, f.Deny = "111122223333", []string{"s3:ListBucket"}
		}, "does not allow", "account 111122223333 does not own"},
		{"key disabled", "", func(f *blobtest.Fake, s *blob.S3) {
			s.SSE, s.KMSKey = "aws:kms", kmsKey
			f.Give(blobtest.Answer{Method: "PUT", Times: always, Status: 400, Code: "KMS.DisabledException", Message: "the key is disabled."})
		}, "cannot use the key " + kmsKey + ": 400 KMS.DisabledException: the key is disabled.", "s3.kms_key"},
		{"no lock", "", func(_ *blobtest.Fake, s *blob.S3) { s.ObjectLock = lock }, "has neither versioning nor Object Lock", "enable versioning"},
		{"wrong region", "", func(f *blobtest.Fake, _ *blob.S3) { f.Region = "eu-north-1" }, "is in region eu-north-1, not eu-central-1", "set s3.region to eu-north-1"},
		{"redirected", "", func(f *blobtest.Fake, _ *blob.S3) {
			f.Give(blobtest.Answer{Times: always, Status: 301, Code: "PermanentRedirect", Header: map[string]string{"x-amz-bucket-region": "us-west-2"},
				Message: "The bucket you are attempting to access must be addressed using the specified endpoint."})
		}, "is in region us-west-2, not eu-central-1", "set s3.region to us-west-2"},
		{"clock ahead", "", func(f *blobtest.Fake, _ *blob.S3) {
			f.Now = func() time.Time { return time.Now().Add(-47 * time.Minute).Truncate(time.Second) }
		}, "the clock of this machine is 47m", "NTP"},
		{"clock behind", "", func(f *blobtest.Fake, _ *blob.S3) { f.Now = func() time.Time { return time.Now().Add(3 * time.Hour) } }, " behind: 403 RequestTimeTooSkewed", "NTP"},
		{"expired", "", func(f *blobtest.Fake, _ *blob.S3) {
			f.Give(blobtest.Answer{Times: always, Status: 400, Code: "ExpiredToken", Message: "The provided token has expired."})
		}, "because they have expired", "aws sso login"},
		{"unknown key", "", func(f *blobtest.Fake, _ *blob.S3) { f.Key = "AKIDOTHER" }, "does not know the access key: 403 InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"},
		{"wrong secret", "", func(f *blobtest.Fake, _ *blob.S3) {
			f.Give(blobtest.Answer{Times: always, Status: 403, Code: "SignatureDoesNotMatch", Message: "The request signature we calculated does not match"})
		}, "refuses the signature", "secret access key"},
		{"slow down", "", func(f *blobtest.Fake, _ *blob.S3) {
			f.Give(blobtest.Answer{Times: always, Status: 503, Code: "SlowDown", Message: "Please reduce your request rate."})
		}, "cannot do it now: 503 SlowDown", "run again later"},
		{"no conditional writes", "", func(f *blobtest.Fake, _ *blob.S3) {
			f.Give(blobtest.Answer{Method: "PUT", Times: always, Status: 501, Code: "NotImplemented", Message: "A header you provided implies functionality that is not implemented"})
		}, "does not know a part of the protocol", "If-None-Match"},
		{"changed on the way", "", func(f *blobtest.Fake, _ *blob.S3) {
			f.Give(blobtest.Answer{Method: "PUT", Times: always, Status: 400, Code: "BadDigest", Message: "The SHA256 you specified did not match"})
		}, "received other bytes than were sent", ""},
		{"a proxy's page", "", func(f *blobtest.Fake, _ *blob.S3) {
			f.Give(blobtest.Answer{Times: always, Status: 403, Code: "<html><body>\x1b[31mBlocked</body></html>"})
		}, "does not answer as a store does: 403", "proxy"},
		{"a portal's page", "", func(f *blobtest.Fake, _ *blob.S3) {
			f.Give(blobtest.Answer{Times: always, Status: 200, Code: "<html><body>Log in first</body>"})
		}, "does not answer as a store does", "proxy"},
		{"line breaks", "", func(f *blobtest.Fake, _ *blob.S3) { f.Give(blobtest.Answer{Times: always}) }, "does not answer", "s3.endpoint"},
		{"nobody there", "", func(_ *blobtest.Fake, s *blob.S3) { s.Endpoint = "http://127.0.0.1:1" }, "does not answer: dial tcp 127.0.0.1:1: connect: connection refused", "s3.endpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := blobtest.NewFake(t)
			s := section(f)
			if c.change != nil {
				c.change(f, &s)
			}
			location := c.location
			if location == "" {
				location = "s3://plain/some/where"
			}
			explained(t, brisk(t, location, s).Probe(t.Context()), c.says, c.hint)
		})
	}
}

// explained checks an error's words.
func explained(t *testing.T, err error, says, hint string) {
	t.Helper()
	fault, ok := errors.AsType[*blob.Error](err)
	if !ok || fault.Hint == "" {
		t.Fatalf("%v is no fault with a hint", err)
	}
	if !strings.Contains(err.Error(), says) || !strings.Contains(fault.Hint, hint) {
		t.Errorf("%v\nhint: %s\nwant %q\nhint: %q", err, fault.Hint, says, hint)
	}
	if text := err.Error() + fault.Hint; strings.Contains(text, blobtest.FakeSecret) || strings.ContainsAny(text, "\x1b\n") {
		t.Errorf("it holds what it must not: %q", text)
	}
}

func TestTLSFaults(t *testing.T) {
	f := blobtest.NewFake(t)
	secure := httptest.NewTLSServer(f)
	defer secure.Close()
	s := section(f)
	s.Endpoint = secure.URL
	explained(t, brisk(t, "s3://plain/x", s).Probe(t.Context()), "cannot be trusted: tls: failed to verify certificate", "AWS_CA_BUNDLE")
	s.Endpoint = strings.Replace(f.URL, "http:", "https:", 1)
	explained(t, brisk(t, "s3://plain/x", s).Probe(t.Context()), "does not answer: http: server gave HTTP response to HTTPS client", "s3.endpoint")

	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	s.Endpoint = secure.URL
	if err := brisk(t, "s3://plain/x", s).Probe(t.Context()); err != nil {
		t.Errorf("with the certificate in AWS_CA_BUNDLE: %v", err)
	}
	for _, r := range f.Seen() {
		if r.Method == http.MethodPut && r.Header.Get("X-Amz-Content-Sha256") == "UNSIGNED-PAYLOAD" {
			t.Error("over TLS the payload is not signed")
		}
	}
}

func TestCredentialFaults(t *testing.T) {
	f := blobtest.NewFake(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	explained(t, brisk(t, "s3://plain/x", section(f)).Probe(t.Context()), "cannot be reached without credentials", "s3.profile")
	if _, err := brisk(t, "s3://plain/x", section(f)).Stat(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "without credentials") {
		t.Errorf("stat: %v", err)
	}

	s := section(f)
	s.Profile = "nightly"
	_, err := blob.Open(t.Context(), "s3://plain/x", blob.Options{S3: s})
	explained(t, err, `profile "nightly", which does not exist`, "~/.aws/config")
	settings := filepath.Join(t.TempDir(), "config")
	text := "[profile nightly]\nregion = eu-central-1\naws_access_key_id = " + f.Key + "\naws_secret_access_key = " + blobtest.FakeSecret + "\n"
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", settings)
	s.Region = ""
	if err := brisk(t, "s3://plain/x", s).Probe(t.Context()); err != nil {
		t.Errorf("with the profile's region and keys: %v", err)
	}
	if len(f.Seen()) == 0 {
		t.Error("nothing was sent")
	}

	_, err = blob.Open(t.Context(), "s3://plain/x", blob.Options{})
	explained(t, err, "is in no region", "s3.region")
	t.Setenv("AWS_CA_BUNDLE", filepath.Join(t.TempDir(), "none.pem"))
	_, err = blob.Open(t.Context(), "s3://plain/x", blob.Options{S3: section(f)})
	explained(t, err, "cannot be reached with these AWS settings", "AWS_ variables")
}

// TestRetries breaks requests for a while: what passes is retried, and no put has its effect twice.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name  string
		wrong blobtest.Answer
	}{
		{"conflict", blobtest.Answer{Method: "PUT", Times: 3, Status: 409, Code: "ConditionalRequestConflict", Message: "The conditional request cannot succeed due to a conflicting operation"}},
		{"slow down", blobtest.Answer{Method: "PUT", Times: 3, Status: 503, Code: "SlowDown"}},
		{"internal error", blobtest.Answer{Times: 3, Status: 500, Code: "InternalError"}},
		{"line lost before", blobtest.Answer{Method: "PUT", Times: 2}},
		{"line lost after", blobtest.Answer{Method: "PUT", Times: 1, After: true}},
		{"told 500 after", blobtest.Answer{Method: "PUT", Times: 1, After: true, Status: 500, Code: "InternalError"}},
		{"looks fail", blobtest.Answer{Method: "HEAD", Times: 2, Status: 503}},
		{"exists and is gone", blobtest.Answer{Method: "PUT", Times: 1, Status: 412, Code: "PreconditionFailed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := blobtest.NewFake(t)
			b := brisk(t, "s3://plain/x", section(f))
			f.Give(c.wrong)
			for range 2 {
				if err := blobtest.Put(t.Context(), b, "a", strings.Repeat("text ", 1000)); err != nil {
					t.Fatal(err)
				}
			}
			if got, _ := f.Object("plain/x/a"); got != strings.Repeat("text ", 1000) {
				t.Errorf("the object holds %.40q…", got)
			}
			err := blobtest.Put(t.Context(), b, "a", "other")
			if _, ok := errors.AsType[*blob.ExistsError](err); !ok {
				t.Errorf("other bytes: %v", err)
			}
		})
	}
	t.Run("conflict for ever", func(t *testing.T) {
		f := blobtest.NewFake(t)
		f.Give(blobtest.Answer{Method: "PUT", Times: 1 << 20, Status: 409, Code: "ConditionalRequestConflict"})
		explained(t, blobtest.Put(t.Context(), brisk(t, "s3://plain/x", section(f)), "a", "x"), "was being written by others every time", "run again")
		if n := len(f.Seen()); n > 10 {
			t.Errorf("%d requests", n)
		}
	})
	t.Run("gone for ever", func(t *testing.T) {
		f := blobtest.NewFake(t)
		f.Give(blobtest.Answer{Method: "PUT", Times: 1 << 20, Status: 412, Code: "PreconditionFailed"})
		if err := blobtest.Put(t.Context(), brisk(t, "s3://plain/x", section(f)), "a", "x"); err == nil || len(f.Seen()) > 10 {
			t.Errorf("%v after %d requests", err, len(f.Seen()))
		}
	})
}

// TestHeaders looks at what a put says of encryption and retention.
func TestHeaders(t *testing.T) {
	at := time.Date(2028, 2, 28, 23, 30, 0, 5, time.FixedZone("", 3600))
	for _, c := range []struct {
		name    string
		section blob.S3
		want    map[string]string
	}{
		{"nothing asked", blob.S3{}, map[string]string{}},
		{"AES256", blob.S3{SSE: "AES256"}, map[string]string{"X-Amz-Server-Side-Encryption": "AES256"}},
		{"KMS", blob.S3{SSE: "aws:kms"}, map[string]string{"X-Amz-Server-Side-Encryption": "aws:kms"}},
		{"KMS with a key", blob.S3{SSE: "aws:kms", KMSKey: kmsKey}, map[string]string{"X-Amz-Server-Side-Encryption": "aws:kms",
			"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": kmsKey}},
		{"governance", blob.S3{ObjectLock: blob.ObjectLock{Mode: "governance", Days: 2}}, map[string]string{"X-Amz-Object-Lock-Mode": "GOVERNANCE",
			"X-Amz-Object-Lock-Retain-Until-Date": "2028-03-01T22:30:00Z"}},
		{"none", blob.S3{ObjectLock: blob.ObjectLock{Mode: "none"}}, map[string]string{}},
		{"owner", blob.S3{BucketOwner: "111122223333"}, map[string]string{"X-Amz-Expected-Bucket-Owner": "111122223333"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := blobtest.NewFake(t)
			s := section(f)
			s.SSE, s.KMSKey, s.ObjectLock, s.BucketOwner = c.section.SSE, c.section.KMSKey, c.section.ObjectLock, c.section.BucketOwner
			b, err := blob.OpenBrisk(t.Context(), "s3://locked/x", blob.Options{S3: s, Now: func() time.Time { return at }})
			if err != nil {
				t.Fatal(err)
			}
			if err := blobtest.Put(t.Context(), b, "a", "x"); err != nil {
				t.Fatal(err)
			}
			h := f.Seen()[0].Header
			for _, name := range []string{"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Object-Lock-Mode",
				"X-Amz-Object-Lock-Retain-Until-Date", "X-Amz-Expected-Bucket-Owner"} {
				if h.Get(name) != c.want[name] {
					t.Errorf("%s is %q, want %q", name, h.Get(name), c.want[name])
				}
			}
		})
	}
}

// huge is a body that says it is larger than one put may be, and cannot be read.
type huge struct{ io.Reader }

func (huge) Seek(int64, int) (int64, error) { return blob.MaxPut + 1, nil }

func TestTooLarge(t *testing.T) {
	f := blobtest.NewFake(t)
	err := brisk(t, "s3://plain/x", section(f)).Put(t.Context(), "a", huge{}, [sha256.Size]byte{})
	explained(t, err, "one put takes 5368709120 at most", "archive_inputs: reference")
	if len(f.Seen()) > 0 {
		t.Error("it was sent")
	}
}

// zeros is a body of its length in bytes.
type zeros struct{ size, at int64 }

func (z *zeros) Read(p []byte) (int, error) {
	n := min(int64(len(p)), z.size-z.at)
	if n == 0 {
		return 0, io.EOF
	}
	z.at += n
	clear(p[:n])
	return int(n), nil
}

func (z *zeros) Seek(to int64, from int) (int64, error) {
	z.at = to + []int64{0, z.at, z.size}[from]
	return z.at, nil
}

// TestPutStreams puts a body that is large beside what is allocated for it.
func TestPutStreams(t *testing.T) {
	blobtest.Isolate(t, "AKID", "secret")
	body := &zeros{size: 64 << 20}
	hash := sha256.New()
	if _, err := io.Copy(hash, body); err != nil {
		t.Fatal(err)
	}
	var sent int64
	b, err := blob.OpenBrisk(t.Context(), "s3://bucket/x", blob.Options{S3: blob.S3{Region: "eu-central-1"}}, func(o *s3.Options) {
		o.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			sent, _ = io.Copy(io.Discard, r.Body)
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := b.Put(t.Context(), "a", body, [sha256.Size]byte(hash.Sum(nil))); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; sent != body.size || allocated > 8<<20 {
		t.Errorf("%d bytes were sent and %d allocated", sent, allocated)
	}
}

// TestPages lists more than a page holds.
func TestPages(t *testing.T) {
	f := blobtest.NewFake(t)
	b := brisk(t, "s3://plain/x", section(f))
	var want []string
	for n := range 25 {
		key := fmt.Sprintf("p/%02d", n)
		want = append(want, key)
		if err := blobtest.Put(t.Context(), b, key, key); err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range []int32{1, 7, 25, 1000} {
		var got []string
		for info, err := range b.ListByPage(t.Context(), "p/", page) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, info.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v", page, got)
		}
	}
	f.Give(blobtest.Answer{Method: "GET", Times: 1 << 20, Status: 403, Code: "AccessDenied"})
	for _, err := range b.List(t.Context(), "") {
		explained(t, err, "does not allow s3:ListBucket", "")
	}
}

// TestNoListing reads without the right to list: what is there can be read, and what is not is no claim that it is absent.
func TestNoListing(t *testing.T) {
	f := blobtest.NewFake(t)
	b := brisk(t, "s3://plain/x", section(f))
	if err := blobtest.Put(t.Context(), b, "a", "x"); err != nil {
		t.Fatal(err)
	}
	f.Deny = []string{"s3:ListBucket"}
	if got := blobtest.Read(t, b, "a"); got != "x" {
		t.Errorf("reads %q", got)
	}
	_, err := b.Get(t.Context(), "b")
	explained(t, err, "does not allow s3:GetObject on arn:aws:s3:::plain/x/b", "an object that is not there is answered so too")
}

// TestReadingGoesOn breaks the connection in the middle of an object: what comes is whole, or its end is a fault.
func TestReadingGoesOn(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 20_000)
	for broken, whole := range map[int]bool{1: true, 3: true, 4: false} {
		f := blobtest.NewFake(t)
		b := brisk(t, "s3://plain/x", section(f))
		if err := blobtest.Put(t.Context(), b, "a", text); err != nil {
			t.Fatal(err)
		}
		f.Give(blobtest.Answer{Method: "GET", Times: broken, Half: true})
		r, err := b.Get(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if whole && (err != nil || string(got) != text) {
			t.Errorf("broken %d times: %d bytes, %v", broken, len(got), err)
		}
		if !whole {
			explained(t, err, "does not answer: unexpected EOF", "s3.endpoint")
		}
	}
}

// TestVirtualHost puts the bucket into the host's name, where the path is not asked for.
func TestVirtualHost(t *testing.T) {
	blobtest.Isolate(t, "AKID", "secret")
	for _, c := range []struct {
		section   blob.S3
		host, uri string
	}{
		{blob.S3{Region: "eu-central-1"}, "bucket.s3.eu-central-1.amazonaws.com", "/x/a"},
		{blob.S3{Region: "eu-central-1", PathStyle: true}, "s3.eu-central-1.amazonaws.com", "/bucket/x/a"},
		{blob.S3{Endpoint: "https://store.example"}, "bucket.store.example", "/x/a"},
		{blob.S3{Endpoint: "https://store.example", PathStyle: true}, "store.example", "/bucket/x/a"},
		{blob.S3{Region: "cn-north-1"}, "bucket.s3.cn-north-1.amazonaws.com.cn", "/x/a"},
	} {
		var sent *http.Request
		b, err := blob.OpenBrisk(t.Context(), "s3://bucket/x", blob.Options{S3: c.section}, func(o *s3.Options) {
			o.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
				sent = r
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := blobtest.Put(t.Context(), b, "a", "text"); err != nil {
			t.Fatal(err)
		}
		if sent.URL.Scheme != "https" || sent.URL.Host != c.host || sent.URL.Path != c.uri {
			t.Errorf("%+v: sent to %s, want %s%s", c.section, sent.URL, c.host, c.uri)
		}
		h := sent.Header
		if h.Get("If-None-Match") != "*" || h.Get("X-Amz-Checksum-Sha256") != base64Of("text") || h.Get("X-Amz-Trailer") != "" ||
			h.Get("Content-Encoding") != "" || h.Get("X-Amz-Content-Sha256") == "" || strings.Contains(h.Get("X-Amz-Content-Sha256"), "STREAMING") ||
			sent.ContentLength != 4 {
			t.Errorf("%+v: %d bytes with %v", c.section, sent.ContentLength, h)
		}
	}
}

// doer is an HTTP client.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// TestProbeTriesWhatIsNew probes again with other ways to keep objects: each is tried once by writing.
func TestProbeTriesWhatIsNew(t *testing.T) {
	f := blobtest.NewFake(t)
	s := section(f)
	for n, change := range []func(){func() {}, func() { s.SSE = "AES256" }, func() { s.SSE, s.KMSKey = "aws:kms", kmsKey },
		func() { s.ObjectLock = blob.ObjectLock{Mode: "governance", Days: 1} }} {
		change()
		for range 2 {
			if err := brisk(t, "s3://locked/x", s).Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if keys := blobtest.Keys(t, brisk(t, "s3://locked/x", s), "trueup-check"); len(keys) != n+1 {
			t.Errorf("after change %d there are %v", n, keys)
		}
	}
	s.KMSKey = strings.Replace(kmsKey, "1111-", "2222-", 1)
	f.Deny = []string{"kms:GenerateDataKey"}
	explained(t, brisk(t, "s3://locked/x", s).Probe(t.Context()), "does not allow kms:GenerateDataKey on "+s.KMSKey, "trueup aws-policy")
}
