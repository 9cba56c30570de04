package blobtest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask sends a request to a fake as a client of its region does, with a body of "text", and returns status and body.
func ask(t *testing.T, f *Fake, method, path string, headers map[string]string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.URL+path, strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	now := f.Now().UTC()
	req.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	req.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s/%s/s3/aws4_request, SignedHeaders=host, Signature=0",
		f.Key, now.Format("20060102"), f.Region))
	req.Header.Set("X-Amz-Content-Sha256", fmt.Sprintf("%x", sha256.Sum256([]byte("text"))))
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestFakeIsStrict has it refuse what Amazon S3 refuses, and have no effect then.
func TestFakeIsStrict(t *testing.T) {
	f := NewFake(t)
	if code, body := ask(t, f, http.MethodPut, "/plain/there", nil); code != http.StatusOK {
		t.Fatal(body)
	}
	sum := sha256.Sum256([]byte("other"))
	lock := map[string]string{"X-Amz-Object-Lock-Mode": "COMPLIANCE", "X-Amz-Object-Lock-Retain-Until-Date": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
	past := map[string]string{"X-Amz-Object-Lock-Mode": "COMPLIANCE", "X-Amz-Object-Lock-Retain-Until-Date": "2020-01-01T00:00:00Z",
		"X-Amz-Checksum-Sha256": base64Sum("text")}
	for _, c := range []struct {
		method, path string
		headers      map[string]string
		status       int
		code         string
	}{
		{"PUT", "/plain/there", map[string]string{"If-None-Match": "*"}, 412, "PreconditionFailed"},
		{"PUT", "/plain/new", map[string]string{"X-Amz-Checksum-Sha256": base64.StdEncoding.EncodeToString(sum[:])}, 400, "BadDigest"},
		{"PUT", "/plain/new", map[string]string{"X-Amz-Content-Sha256": fmt.Sprintf("%x", sum)}, 400, "XAmzContentSHA256Mismatch"},
		{"PUT", "/plain/new", lock, 400, "Bucket is missing Object Lock Configuration"},
		{"PUT", "/locked/new", lock, 400, "Content-MD5 OR x-amz-checksum-"},
		{"PUT", "/locked/new", past, 400, "must be in the future"},
		{"PUT", "/plain/new?uploadId=1&partNumber=1", nil, 405, "MethodNotAllowed"},
		{"POST", "/plain/new?uploads", nil, 405, "MethodNotAllowed"},
		{"DELETE", "/plain/there", nil, 405, "MethodNotAllowed"},
		{"PUT", "/none/new", nil, 404, "NoSuchBucket"},
		{"GET", "/plain/new", nil, 404, "NoSuchKey"},
		{"GET", "/plain?object-lock", nil, 404, "ObjectLockConfigurationNotFoundError"},
		{"GET", "/plain/there", map[string]string{"X-Amz-Date": "20200101T000000Z"}, 403, "RequestTimeTooSkewed"},
		{"GET", "/plain/there", map[string]string{"Authorization": "none"}, 403, "AccessDenied"},
		{"GET", "/plain/there", nil, 200, "text"},
	} {
		if status, body := ask(t, f, c.method, c.path, c.headers); status != c.status || !strings.Contains(body, c.code) {
			t.Errorf("%s %s %v: %d %s, want %d %s", c.method, c.path, c.headers, status, body, c.status, c.code)
		}
	}
	for _, name := range []string{"plain/new", "locked/new"} {
		if _, ok := f.Object(name); ok {
			t.Errorf("%s was made all the same", name)
		}
	}
}

func base64Sum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}
