package blobtest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"trueup/blob"
)

// Fake is a small S3 in memory that is as strict as Amazon's where other servers are lax, and that fails as Amazon's does
// (Amazon S3 API Reference: "Error responses", PutObject, GetObject, HeadObject, ListObjectsV2; S3 User Guide: "How to
// prevent object overwrites with conditional writes"). It checks no signatures. Its fields are set before the first
// request.
type Fake struct {
	URL     string
	Key     string           // the access key that it knows
	Region  string           // where its buckets are
	Now     func() time.Time // its clock
	Buckets map[string]bool  // true with Object Lock
	Deny    []string         // IAM actions that are not allowed
	Allow   *blob.Policy     // and all that are allowed; nil is any
	mu      sync.Mutex
	objects map[string][]byte // BUCKET/KEY
	keys    map[string]string // with which KMS key an object is encrypted
	answers []Answer
	seen    []*http.Request
}

// Answer is one that is given instead of the right one.
type Answer struct {
	Method        string // of the requests that get it; "" is any
	Path          string // that their paths begin with; "" is any
	Times         int    // how often
	Status        int    // 0 is none: the connection breaks
	Code, Message string
	Header        map[string]string
	After         bool // the request has had its effect
	Half          bool // of a GET's body arrives, then the connection breaks
}

// NewFake starts one in eu-central-1 with the buckets plain and locked, and isolates the test with its credentials.
func NewFake(t *testing.T) *Fake {
	t.Helper()
	f := &Fake{Key: "AKIDFAKEFAKEFAKEFAKE", Region: "eu-central-1", Now: time.Now, Buckets: map[string]bool{Plain: false, Locked: true},
		objects: map[string][]byte{}, keys: map[string]string{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.URL = server.URL
	Isolate(t, f.Key, FakeSecret)
	return f
}

// FakeSecret is the secret access key that tests of the fake use; it must be seen nowhere.
const FakeSecret = "canary-b71d0c44-secret-access-key"

// Give has requests answered wrongly from now on.
func (f *Fake) Give(a Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = append(f.answers, a)
}

// Seen are the requests so far.
func (f *Fake) Seen() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// Object returns the bytes of BUCKET/KEY.
func (f *Fake) Object(name string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, ok := f.objects[name]
	return string(body), ok
}

// fault is what is refused, as the service says it.
type fault struct {
	status        int
	code, message string
	header        map[string]string
}

// ServeHTTP answers path-style requests.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r.Clone(r.Context()))
	w.Header().Set("Date", f.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Amz-Request-Id", "4442587FB7D0A2F9")
	planned := f.next(r)
	if planned != nil && planned.Half {
		w, planned = &half{ResponseWriter: w}, nil
	}
	if planned != nil && !planned.After {
		f.give(w, r, *planned)
		return
	}
	answer := f.authorised(r)
	if answer == nil {
		answer = f.serve(w, r, body, planned != nil)
	}
	switch {
	case planned != nil:
		f.give(w, r, *planned)
	case answer != nil:
		refuse(w, r, *answer)
	}
}

// next takes the first wrong answer that is meant for a request.
func (f *Fake) next(r *http.Request) *Answer {
	for n := range f.answers {
		if a := &f.answers[n]; a.Times > 0 && (a.Method == "" || a.Method == r.Method) && strings.HasPrefix(r.URL.Path, a.Path) {
			a.Times--
			return a
		}
	}
	return nil
}

func (f *Fake) give(w http.ResponseWriter, r *http.Request, a Answer) {
	if a.Status != 0 {
		refuse(w, r, fault{a.Status, a.Code, a.Message, a.Header})
		return
	}
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}

// half lets half of a body through; the server then breaks the connection, since more was announced.
type half struct{ http.ResponseWriter }

func (h *half) Write(b []byte) (int, error) {
	if _, err := h.ResponseWriter.Write(b[:len(b)/2]); err != nil {
		return 0, err
	}
	return len(b), nil
}

// refuse answers with an error document; answers to HEAD have none.
func refuse(w http.ResponseWriter, r *http.Request, a fault) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if strings.HasPrefix(a.code, "<") { // what a proxy says
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.code)
		return
	}
	text, _ := xml.Marshal(struct {
		XMLName                  xml.Name `xml:"Error"`
		Code, Message, RequestId string
	}{Code: a.code, Message: a.message, RequestId: "4442587FB7D0A2F9"})
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "%s%s", xml.Header, text)
	}
}

// authorised looks at who asks, from where and when (AWS Signature Version 4).
func (f *Fake) authorised(r *http.Request) *fault {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope := strings.Split(credential, "/") // KEY/DATE/REGION/s3/aws4_request, …
	if len(scope) < 5 {
		return &fault{403, "AccessDenied", "Access Denied", nil}
	}
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	skew := f.Now().Sub(signed).Abs()
	switch {
	case scope[0] != f.Key:
		return &fault{403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", nil}
	case scope[2] != f.Region:
		return &fault{400, "AuthorizationHeaderMalformed", fmt.Sprintf("The authorization header is malformed; the region '%s' is wrong; expecting '%s'", scope[2], f.Region), nil}
	case err != nil || skew > 15*time.Minute:
		return &fault{403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", nil}
	}
	return nil
}

// serve has a request's effect and, unless the answer is to be lost, writes the answer.
func (f *Fake) serve(w http.ResponseWriter, r *http.Request, body []byte, lost bool) *fault {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	lock, found := f.Buckets[bucket]
	if !found {
		return &fault{404, "NoSuchBucket", "The specified bucket does not exist", nil}
	}
	for _, asked := range f.rights(r, bucket, key) {
		if !f.allowed(asked) {
			return &fault{403, "AccessDenied", fmt.Sprintf("User: arn:aws:iam::111122223333:user/trueup is not authorized to perform: %s on resource: "+
				"\"%s\" because no identity-based policy allows the %[1]s action", asked.action, asked.resource), nil}
		}
	}
	if lost {
		w = httptest.NewRecorder()
	}
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodPut && key != "" && len(query)-count(query.Has("x-id")) == 0:
		return f.put(w, r, bucket+"/"+key, body, lock)
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && key != "":
		return f.get(w, r, bucket+"/"+key)
	case r.Method == http.MethodGet && query.Has("object-lock") && lock:
		fmt.Fprint(w, "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>")
	case r.Method == http.MethodGet && query.Has("object-lock"):
		return &fault{404, "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket", nil}
	case r.Method == http.MethodGet && query.Has("versioning"):
		fmt.Fprint(w, "<VersioningConfiguration/>")
	case r.Method == http.MethodGet && query.Get("list-type") == "2":
		f.list(w, bucket, query.Get("prefix"), query.Get("continuation-token"), query.Get("max-keys"))
	default:
		return &fault{405, "MethodNotAllowed", "The specified method is not allowed against this resource.", nil}
	}
	return nil
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// right is what IAM asks about. context are the condition keys that the request has.
type right struct {
	action, resource string
	context          map[string]string
}

// rights are what a request needs (Service Authorization Reference, "Actions defined by Amazon S3").
func (f *Fake) rights(r *http.Request, bucket, key string) []right {
	query, arn := r.URL.Query(), "arn:aws:s3:::"+bucket
	switch {
	case query.Has("object-lock"):
		return []right{{"s3:GetBucketObjectLockConfiguration", arn, nil}}
	case query.Has("versioning"):
		return []right{{"s3:GetBucketVersioning", arn, nil}}
	case key == "":
		return []right{{"s3:ListBucket", arn, map[string]string{"s3:prefix": query.Get("prefix")}}}
	}
	via := map[string]string{"kms:ViaService": "s3." + f.Region + ".amazonaws.com"}
	if r.Method != http.MethodPut {
		all := []right{{"s3:GetObject", arn + "/" + key, nil}}
		if used := f.keys[bucket+"/"+key]; used != "" {
			all = append(all, right{"kms:Decrypt", used, via})
		}
		return all
	}
	all := []right{{"s3:PutObject", arn + "/" + key, nil}}
	if r.Header.Get("X-Amz-Object-Lock-Mode") != "" {
		all = append(all, right{"s3:PutObjectRetention", arn + "/" + key, nil})
	}
	if _, exists := f.objects[bucket+"/"+key]; !exists && r.Header.Get("X-Amz-Server-Side-Encryption") == "aws:kms" {
		all = append(all, right{"kms:GenerateDataKey", r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"), via})
	}
	return all
}

// allowed weighs a right as IAM does, as far as the policies under test go: actions in full, patterns that end with a star,
// and conditions that fail where the request does not have their key.
func (f *Fake) allowed(asked right) bool {
	if slices.Contains(f.Deny, asked.action) {
		return false
	}
	if f.Allow == nil {
		return true
	}
	return slices.ContainsFunc(f.Allow.Statement, func(s blob.Statement) bool {
		for _, condition := range s.Condition {
			for name, patterns := range condition {
				if value, ok := asked.context[name]; !ok || !matches(patterns, value) {
					return false
				}
			}
		}
		return s.Effect == "Allow" && slices.Contains(s.Action, asked.action) && matches(s.Resource, asked.resource)
	})
}

func matches(patterns []string, value string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "*")
		return pattern == value || open && strings.HasPrefix(value, prefix)
	})
}

func (f *Fake) put(w http.ResponseWriter, r *http.Request, name string, body []byte, lock bool) *fault {
	have, header := sha256.Sum256(body), r.Header
	_, exists := f.objects[name]
	until, err := time.Parse(time.RFC3339, header.Get("X-Amz-Object-Lock-Retain-Until-Date"))
	locking := header.Get("X-Amz-Object-Lock-Mode") != ""
	switch {
	case header.Get("X-Amz-Content-Sha256") != fmt.Sprintf("%x", have):
		return &fault{400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", nil}
	case header.Get("X-Amz-Checksum-Sha256") != "" && header.Get("X-Amz-Checksum-Sha256") != base64.StdEncoding.EncodeToString(have[:]):
		return &fault{400, "BadDigest", "The SHA256 you specified did not match the calculated checksum.", nil}
	case locking && !lock:
		return &fault{400, "InvalidRequest", "Bucket is missing Object Lock Configuration", nil}
	case locking && header.Get("X-Amz-Checksum-Sha256") == "" && header.Get("Content-Md5") == "":
		return &fault{400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters", nil}
	case locking && (err != nil || !until.After(f.Now())):
		return &fault{400, "InvalidArgument", "The retain until date must be in the future!", nil}
	case exists && header.Get("If-None-Match") == "*":
		return &fault{412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", nil}
	}
	f.objects[name] = body
	if header.Get("X-Amz-Server-Side-Encryption") == "aws:kms" {
		f.keys[name] = header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	}
	w.Header().Set("ETag", etag(body))
	w.WriteHeader(http.StatusOK)
	return nil
}

// etag stands for bytes; what it is made of is the service's affair.
func etag(body []byte) string {
	sum := sha256.Sum256(body)
	return fmt.Sprintf("\"%x\"", sum[:16])
}

func (f *Fake) get(w http.ResponseWriter, r *http.Request, name string) *fault {
	body, ok := f.objects[name]
	bucket, _, _ := strings.Cut(name, "/")
	if !ok && !f.allowed(right{"s3:ListBucket", "arn:aws:s3:::" + bucket, nil}) {
		return &fault{403, "AccessDenied", "Access Denied", nil} // who may not list is not told what is missing
	}
	if !ok {
		return &fault{404, "NoSuchKey", "The specified key does not exist.", nil}
	}
	if r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		sum := sha256.Sum256(body)
		w.Header().Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sum[:]))
		w.Header().Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	w.Header().Set("ETag", etag(body))
	var from int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && from < len(body) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
		body = body[from:]
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if w.Header().Get("Content-Range") != "" {
		w.WriteHeader(http.StatusPartialContent)
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
	return nil
}

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	IsTruncated           bool
	KeyCount              int
	NextContinuationToken string `xml:",omitempty"`
	Contents              []struct {
		Key  string
		Size int
	}
}

// list goes on after the key that the token is.
func (f *Fake) list(w http.ResponseWriter, bucket, prefix, token, most string) {
	limit, err := strconv.Atoi(most)
	if err != nil || limit > 1000 {
		limit = 1000
	}
	var keys []string
	for name := range f.objects {
		if key, ok := strings.CutPrefix(name, bucket+"/"); ok && strings.HasPrefix(key, prefix) && key > token {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	page := listing{Name: bucket, IsTruncated: len(keys) > limit}
	if page.IsTruncated {
		keys = keys[:limit]
		page.NextContinuationToken = keys[limit-1]
	}
	for _, key := range keys {
		page.Contents = append(page.Contents, struct {
			Key  string
			Size int
		}{key, len(f.objects[bucket+"/"+key])})
	}
	page.KeyCount = len(keys)
	text, _ := xml.Marshal(page)
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, "%s%s", xml.Header, text)
}
