// Package blobtest has what tests of object stores need: an exercise that every store must pass, a real S3 server with
// versions and Object Lock, and a small one that answers as Amazon S3 does where the real one is laxer.
package blobtest

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"trueup/blob"
)

// Server is a versitygw on this machine, with three empty buckets and credentials of its own.
type Server struct {
	Endpoint    string // http://127.0.0.1:PORT
	Key, Secret string
	log         string
}

// The buckets of a [Server].
const (
	Plain     = "plain"
	Versioned = "versioned"
	Locked    = "locked" // with versions and Object Lock, without a default retention
)

// program is where tools/versitygw has put the server; "" if it was not called.
func program() string {
	if path := os.Getenv("TRUEUP_VERSITYGW"); path != "" {
		return path
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	built, _ := filepath.Glob(filepath.Join(cache, "trueup-tools", "versitygw-v*"))
	built = slices.DeleteFunc(built, func(path string) bool { return strings.HasSuffix(path, ".partial") })
	if len(built) == 0 {
		return ""
	}
	return slices.Max(built)
}

// Start starts a server and stops it when the test ends; without the program the test is skipped. It also isolates the
// test from the AWS settings of whoever runs it, and gives it the server's credentials.
func Start(t *testing.T) *Server {
	t.Helper()
	path := program()
	if path == "" {
		t.Skip("no versitygw: tools/versitygw builds it")
	}
	dir := t.TempDir()
	s := &Server{Key: "AK" + rand.Text()[:18], Secret: rand.Text(), log: filepath.Join(dir, "log")}
	for try := 1; !s.start(t, path, dir); try++ { // the port that was free a moment ago may be taken
		if try == 3 {
			said, _ := os.ReadFile(s.log)
			t.Fatalf("versitygw does not come up\n%s", said)
		}
	}
	Isolate(t, s.Key, s.Secret)
	client := s.Client()
	for _, bucket := range []string{Plain, Versioned, Locked} {
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket,
			ObjectLockEnabledForBucket: aws.Bool(bucket == Locked)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String(Versioned),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// guard runs the server until its own standard input is closed, which happens whatever way the test ends.
const guard = `"$0" "$@" </dev/null & server=$!; cat; kill "$server"; wait "$server"`

func (s *Server) start(t *testing.T, path, dir string) bool {
	t.Helper()
	for _, name := range []string{"objects", "versions"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	address := freePort(t)
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("sh", "-c", guard, path, "--port", address, "--health", "/health", "--quiet",
		"posix", "--versioning-dir", filepath.Join(dir, "versions"), filepath.Join(dir, "objects"))
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s.Key, "ROOT_SECRET_ACCESS_KEY="+s.Secret)
	cmd.Stdout, cmd.Stderr = log, log
	input, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = input.Close()
		_ = cmd.Wait() // it ends by a signal
	}
	s.Endpoint = "http://" + address
	if !answers(t.Context(), s.Endpoint+"/health") {
		stop()
		return false
	}
	t.Cleanup(stop)
	return true
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	client := &http.Client{Timeout: 5 * time.Second}
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		} else if errors.Is(err, context.DeadlineExceeded) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// Isolate keeps the AWS settings of whoever runs the tests away from them, and sets credentials; "" is none.
func Isolate(t *testing.T, key, secret string) {
	t.Helper()
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name) // put back as it was when the test ends
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
}

// Section is how trueup reaches the server.
func (s *Server) Section() blob.S3 {
	return blob.S3{Region: "us-east-1", Endpoint: s.Endpoint, PathStyle: true}
}

// Client does what stores have no verb for.
func (s *Server) Client() *s3.Client {
	return s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &s.Endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.Key, s.Secret, "")})
}

// Versions lists the versions of what begins with a prefix; a delete marker among them fails the test.
func (s *Server) Versions(t *testing.T, bucket, prefix string) []types.ObjectVersion {
	t.Helper()
	found, err := s.Client().ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &prefix})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.DeleteMarkers) > 0 || aws.ToBool(found.IsTruncated) {
		t.Errorf("%s/%s has %d delete markers, and more than a page: %v", bucket, prefix, len(found.DeleteMarkers), aws.ToBool(found.IsTruncated))
	}
	return found.Versions
}
