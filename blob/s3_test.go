package blob_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"trueup/blob"
	"trueup/blob/blobtest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestSection has every mistake of the section reported, all at once.
func TestSection(t *testing.T) {
	for _, good := range []blob.S3{{}, {Region: "eu-central-1", SSE: "aws:kms", KMSKey: kmsKey, ObjectLock: blob.ObjectLock{Mode: "compliance", Days: 400}},
		{Endpoint: "https://store.example:9000", PathStyle: true, SSE: "aws:kms", KMSKey: "any-name"}, {Endpoint: "http://localhost:7070/"},
		{Endpoint: "http://[::1]:7070"}, {ObjectLock: blob.ObjectLock{Mode: "none"}}, {BucketOwner: "111122223333", SSE: "AES256"}} {
		good.Check(func(key, reason, _ string) { t.Errorf("%+v: %s %s", good, key, reason) })
	}
	for _, c := range []struct {
		section blob.S3
		keys    []string
	}{
		{blob.S3{Region: "EU Central", Endpoint: "store.example", SSE: "kms", BucketOwner: "me", ObjectLock: blob.ObjectLock{Mode: "GOVERNANCE"}},
			[]string{"region", "endpoint", "bucket_owner", "sse", "object_lock.mode"}},
		{blob.S3{Endpoint: "http://store.example"}, []string{"endpoint"}},
		{blob.S3{Endpoint: "https://key:secret@store.example"}, []string{"endpoint"}},
		{blob.S3{Endpoint: "https://store.example/bucket"}, []string{"endpoint"}},
		{blob.S3{Endpoint: "https://store.example/?x=1"}, []string{"endpoint"}},
		{blob.S3{SSE: "aws:kms", KMSKey: "arn:aws:kms:eu-central-1:111122223333:alias/mine"}, []string{"kms_key"}},
		{blob.S3{SSE: "AES256", KMSKey: kmsKey}, []string{"kms_key"}},
		{blob.S3{ObjectLock: blob.ObjectLock{Mode: "governance"}}, []string{"object_lock.days"}},
		{blob.S3{ObjectLock: blob.ObjectLock{Mode: "compliance", Days: 40000}}, []string{"object_lock.days"}},
		{blob.S3{ObjectLock: blob.ObjectLock{Days: 3}}, []string{"object_lock.days"}},
	} {
		var keys []string
		c.section.Check(func(key, reason, hint string) {
			keys = append(keys, key)
			if reason == "" || hint == "" || strings.Contains(reason+hint, "secret") {
				t.Errorf("%s: %q, hint %q", key, reason, hint)
			}
		})
		if !slices.Equal(keys, c.keys) {
			t.Errorf("%+v: faults of %v, want %v", c.section, keys, c.keys)
		}
	}
}

// TestPolicies compares what is printed with golden files.
func TestPolicies(t *testing.T) {
	locking := blob.S3{Region: "eu-central-1", SSE: "aws:kms", KMSKey: kmsKey, ObjectLock: blob.ObjectLock{Mode: "compliance", Days: 400}}
	places := []string{"s3://example-archive/trueup", "file:out", "s3://example-reports/licences/", "s3://example-archive/books"}
	for name, make := range map[string]func() (blob.Policy, error){
		"identity":      func() (blob.Policy, error) { return blob.IdentityPolicy(locking, blob.Write, places...) },
		"identity-read": func() (blob.Policy, error) { return blob.IdentityPolicy(locking, blob.ReadOnly, places...) },
		"identity-least": func() (blob.Policy, error) {
			return blob.IdentityPolicy(blob.S3{Region: "cn-north-1"}, blob.Write, "s3://example-archive")
		},
		"bucket": func() (blob.Policy, error) { return blob.BucketPolicy(locking, "example-archive", places...) },
	} {
		policy, err := make()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.MarshalIndent(policy, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		for _, never := range []string{"Delete", "Bypass", "PutBucket", "PutLifecycle"} {
			if strings.Contains(string(text), never) {
				t.Errorf("%s allows %s", name, never)
			}
		}
		path := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != string(text)+"\n" {
			t.Errorf("%s differs (go test -update accepts it):\n%s", path, text)
		}
	}
}

// TestPolicySuffices works with the rights that are printed, and no others: all that stores do is allowed below the
// prefix, and nothing beside it.
func TestPolicySuffices(t *testing.T) {
	f := blobtest.NewFake(t)
	s := section(f)
	s.SSE, s.KMSKey, s.ObjectLock = "aws:kms", kmsKey, blob.ObjectLock{Mode: "compliance", Days: 1}
	policy, err := blob.IdentityPolicy(s, blob.Write, "s3://locked/trueup")
	if err != nil {
		t.Fatal(err)
	}
	f.Allow = &policy
	b := brisk(t, "s3://locked/trueup", s)
	for range 2 {
		if err := b.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := blobtest.Put(t.Context(), b, "a/b", "text"); err != nil {
			t.Fatal(err)
		}
	}
	if got := blobtest.Read(t, b, "a/b"); got != "text" {
		t.Errorf("reads %q", got)
	}
	if _, err := b.Stat(t.Context(), "a/c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
	if keys := blobtest.Keys(t, b, "a"); !slices.Equal(keys, []string{"a/b"}) {
		t.Errorf("lists %v", keys)
	}
	for _, beside := range []string{"s3://locked", "s3://locked/other", "s3://locked/trueu", "s3://plain/trueup"} {
		explained(t, brisk(t, beside, s).Probe(t.Context()), "does not allow s3:ListBucket", "trueup aws-policy")
	}

	reader, err := blob.IdentityPolicy(s, blob.ReadOnly, "s3://locked/trueup")
	if err != nil {
		t.Fatal(err)
	}
	f.Allow = &reader
	if got := blobtest.Read(t, b, "a/b"); got != "text" {
		t.Errorf("a reader reads %q", got)
	}
	if _, err := b.Stat(t.Context(), "a/c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there, for a reader: %v", err)
	}
	explained(t, blobtest.Put(t.Context(), b, "a/d", "text"), "does not allow s3:PutObject", "")
}

// TestPolicyIsTheLeast takes each right away in turn: the probe misses it, and names it.
func TestPolicyIsTheLeast(t *testing.T) {
	s := blob.S3{SSE: "aws:kms", KMSKey: kmsKey, ObjectLock: blob.ObjectLock{Mode: "compliance", Days: 1}}
	policy, err := blob.IdentityPolicy(s, blob.Write, "s3://locked/trueup")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, statement := range policy.Statement {
		for _, action := range statement.Action {
			if action == "s3:GetBucketVersioning" { // asked only to say what a bucket without Object Lock lacks
				continue
			}
			tried++
			t.Run(action, func(t *testing.T) {
				f := blobtest.NewFake(t)
				with := section(f)
				with.SSE, with.KMSKey, with.ObjectLock = s.SSE, s.KMSKey, s.ObjectLock
				f.Allow, f.Deny = &policy, []string{action}
				explained(t, brisk(t, "s3://locked/trueup", with).Probe(t.Context()), "does not allow "+action+" on ", "trueup aws-policy")
			})
		}
	}
	if tried != 7 {
		t.Errorf("%d rights", tried)
	}
}
