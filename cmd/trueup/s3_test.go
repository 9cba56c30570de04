package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/blob"
	"trueup/blob/blobtest"
)

// onBuckets has a site keep its archive in a bucket and publish to a folder and a bucket.
func (s *site) onBuckets(section, archive, publish string) {
	s.t.Helper()
	s.replace("trueup.yaml", "archive: file:var/archive", "archive: "+archive+"\ns3: "+section)
	s.replace("trueup.yaml", "publish: [file:out]", "publish: [file:out, "+publish+"]")
}

// TestNightlyRunOnBuckets does the whole job with archive and reports in buckets that keep every object from being
// deleted: what is decided is what a folder gives, reports are built again from the bucket alone, and nothing is written
// twice.
func TestNightlyRunOnBuckets(t *testing.T) {
	server := blobtest.Start(t)
	local, s := newSite(t, monday), newSite(t, monday)
	const archive, reports = "s3://locked/archive", "s3://locked/reports/licences/"
	s.onBuckets(fmt.Sprintf("{region: us-east-1, endpoint: %q, path_style: true, object_lock: {mode: compliance, days: 36500}}", server.Endpoint), archive, reports)

	check := s.must(exitDone, "check")
	for _, place := range []string{archive, reports} {
		if !strings.Contains(check.out, place+"  ") || strings.Contains(check.err, "section s3") {
			t.Errorf("check does not speak of %s:\n%s%s", place, check.out, check.err)
		}
	}
	for _, side := range []*site{local, s} {
		side.must(exitDone, "pull", "--quiet")
		side.must(exitWithheld, "plan", "--offline", "--quiet")
		side.clock = &clock{base: monday.Add(time.Minute)}
		side.must(exitWithheld, "run", "--quiet")
	}
	want := parsePlan(t, read(t, filepath.Join(published(t, local.dir), "plan.json")))
	folder := published(t, s.dir)
	got := parsePlan(t, read(t, filepath.Join(folder, "plan.json")))
	sameDecisions(t, got, want)
	if len(s.vendor.Effects()) != len(local.vendor.Effects()) || len(s.vendor.Effects()) == 0 {
		t.Errorf("%d effects, %d with folders", len(s.vendor.Effects()), len(local.vendor.Effects()))
	}

	options := blob.Options{S3: server.Section()}
	t.Run("both targets", func(t *testing.T) {
		objects := opened(t, reports, options)
		run := filepath.Base(folder)
		if keys := blobtest.Keys(t, objects, "run="); !slices.Equal(keys, []string{run + "/manifest.json", run + "/plan.json", run + "/rows.csv", run + "/trueup-2026-06-29.xlsx"}) {
			t.Errorf("published are %v", keys)
		}
		for _, name := range []string{"manifest.json", "plan.json", "rows.csv", "trueup-2026-06-29.xlsx"} {
			if blobtest.Read(t, objects, run+"/"+name) != read(t, filepath.Join(folder, name)) {
				t.Errorf("%s differs between folder and bucket", name)
			}
		}
		publishedInOrder(t, server)
	})
	t.Run("report from the bucket", func(t *testing.T) { s.reportOffline(folder) })
	t.Run("again", func(t *testing.T) {
		before := versionsOf(t, server)
		s.clock = &clock{base: monday.Add(2 * time.Minute)}
		s.must(exitWithheld, "run", "--quiet", "--offline")
		after := versionsOf(t, server)
		added := 0
		for key, version := range after {
			if old, ok := before[key]; !ok {
				added++
			} else if old != version {
				t.Errorf("%s was written again", key)
			}
		}
		if len(after)-added != len(before) || added == 0 {
			t.Errorf("%d objects, %d new; %d before", len(after), added, len(before))
		}
	})
	ledgerVerifies(t, s.dir)
	t.Run("secret", func(t *testing.T) {
		text := check.out + check.err + s.must(exitDone, "runs", "show", "latest", "--output", "json").out
		if strings.Contains(text, server.Secret) {
			t.Error("the secret key was said")
		}
		for _, dir := range []string{"var", "out"} {
			everyFile(t, s.path(dir), func(path string, body []byte) {
				if strings.Contains(string(body), server.Secret) {
					t.Errorf("the secret key stands in %s", path)
				}
			})
		}
	})
	if _, err := os.Stat(s.path("var/archive")); !os.IsNotExist(err) {
		t.Errorf("there is a local archive as well: %v", err)
	}
}

func opened(t *testing.T, location string, o blob.Options) blob.Store {
	t.Helper()
	objects, err := blob.Open(t.Context(), location, o)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// reportOffline builds the documents of a run again after its exports are gone.
func (s *site) reportOffline(folder string) {
	t := s.t
	for _, name := range []string{"okta", "entra", "exports", "salesforce", "github", "contracts.csv"} {
		if err := os.RemoveAll(s.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "again")
	s.must(exitDone, "report", strings.TrimPrefix(filepath.Base(folder), "run="), "--out", out)
	for _, name := range []string{"plan.json", "rows.csv"} {
		if read(t, filepath.Join(out, name)) != read(t, filepath.Join(folder, name)) {
			t.Errorf("%s differs from what was published", name)
		}
	}
	const book = "trueup-2026-06-29.xlsx"
	if diff := cmp.Diff(cells(t, filepath.Join(folder, book)), cells(t, filepath.Join(out, book))); diff != "" {
		t.Errorf("the workbook differs from what was published:\n%s", diff)
	}
}

// publishedInOrder looks at the times that the server noted: the manifest is the last of its run.
func publishedInOrder(t *testing.T, server *blobtest.Server) {
	var manifest, last time.Time
	for _, v := range server.Versions(t, blobtest.Locked, "reports/licences/run=") {
		if strings.HasSuffix(*v.Key, "/manifest.json") {
			manifest = *v.LastModified
		}
		if v.LastModified.After(last) {
			last = *v.LastModified
		}
	}
	if manifest.IsZero() || manifest.Before(last) {
		t.Errorf("the manifest was put at %v, another file at %v", manifest, last)
	}
}

// versionsOf maps each key of the locked bucket to its only version.
func versionsOf(t *testing.T, server *blobtest.Server) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, v := range server.Versions(t, blobtest.Locked, "") {
		if old, ok := versions[*v.Key]; ok {
			t.Errorf("%s has versions %s and %s", *v.Key, old, *v.VersionId)
		}
		versions[*v.Key] = *v.VersionId
	}
	return versions
}

// TestBucketFaults has something wrong with a bucket: trueup check says what and what to do, and a run says the same
// before it reads or changes anything.
func TestBucketFaults(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, c := range []struct {
		name    string
		section string // beside region, endpoint and path style
		spoil   func(t *testing.T, f *blobtest.Fake)
		says    string
		hint    string
	}{
		{"no bucket", "", func(_ *testing.T, f *blobtest.Fake) { f.Buckets = nil }, "is in a bucket that does not exist", "create the bucket"},
		{"no permission", "", func(_ *testing.T, f *blobtest.Fake) { f.Deny = []string{"s3:PutObject"} }, "does not allow s3:PutObject on arn:aws:s3:::plain/", "trueup aws-policy"},
		{"clock", "", func(_ *testing.T, f *blobtest.Fake) {
			f.Now = func() time.Time { return time.Now().Add(20 * time.Minute) }
		}, "the clock of this machine is", "NTP"},
		{"expired", "", func(_ *testing.T, f *blobtest.Fake) {
			f.Give(blobtest.Answer{Times: 1 << 20, Status: 400, Code: "ExpiredToken", Message: "The provided token has expired."})
		}, "have expired", "renew them"},
		{"no credentials", "", func(t *testing.T, _ *blobtest.Fake) {
			t.Setenv("AWS_ACCESS_KEY_ID", "")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		}, "without credentials", "s3.profile"},
		{"wrong key", "", func(_ *testing.T, f *blobtest.Fake) { f.Key = "AKIDOTHER" }, "does not know the access key", "AWS_ACCESS_KEY_ID"},
		{"no versions", "object_lock: {mode: governance, days: 36500}", func(*testing.T, *blobtest.Fake) {}, "has neither versioning nor Object Lock", "enable versioning"},
		{"region", "", func(_ *testing.T, f *blobtest.Fake) { f.Region = "eu-north-1" }, "is in region eu-north-1, not eu-central-1", "set s3.region to eu-north-1"},
		{"no profile", "profile: missing", func(*testing.T, *blobtest.Fake) {}, `profile "missing", which does not exist`, "~/.aws/config"},
		{"nobody there", "", func(_ *testing.T, f *blobtest.Fake) { f.URL = "http://" + closed.Addr().String() }, "does not answer", "s3.endpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := blobtest.NewFake(t)
			c.spoil(t, f)
			o := newOffice(t)
			section := fmt.Sprintf("region: eu-central-1, endpoint: %q, path_style: true", f.URL)
			if c.section != "" {
				section += ", " + c.section
			}
			o.write("trueup.yaml", officeConfig+"serve: {listen: \"127.0.0.1:0\"}\npublish: [s3://plain/reports]\ns3: {"+section+"}\n")
			check := o.trueup("check")
			refusedAtStart(t, check, c.says, c.hint)
			if !regexp.MustCompile(`FAILED +publish +s3://plain/reports `).MatchString(check.out) {
				t.Errorf("check says\n%s", check.out)
			}
			run := o.trueup("run")
			refusedAtStart(t, run, c.says, c.hint)
			refusedAtStart(t, o.trueup("serve"), c.says, c.hint)
			if runs := o.trueup("runs", "--output", "json"); c.name != "no profile" && !strings.Contains(runs.out, `"state":"failed"`) {
				t.Errorf("the failed run is not on record: %s", runs.out)
			}
			if _, err := os.Stat(filepath.Join(o.dir, "var", "archive", "objects")); !os.IsNotExist(err) {
				t.Errorf("something was pulled all the same: %v", err)
			}
			o.trueup("plan")
			if _, err := os.Stat(filepath.Join(o.dir, "var", "archive", "objects")); err != nil {
				t.Errorf("a plan needs no place to publish to: %v", err)
			}
		})
	}
}

func refusedAtStart(t *testing.T, r result, says, hint string) {
	t.Helper()
	text := r.out + r.err
	if r.code != exitUnreachable || !strings.Contains(text, says) || !strings.Contains(r.err, "hint: ") || !strings.Contains(r.err, hint) {
		t.Errorf("exit %d\n%s\nwant %q with hint %q", r.code, text, says, hint)
	}
	if strings.Contains(text, blobtest.FakeSecret) {
		t.Error("the secret key was said")
	}
}

// TestPublishGoesOn has one of three places fail after the start: the others get the report, and the run has failed.
func TestPublishGoesOn(t *testing.T) {
	f := blobtest.NewFake(t)
	o := newOffice(t)
	o.write("trueup.yaml", officeConfig+fmt.Sprintf("publish: [s3://plain/a, s3://locked/b, file:out]\ns3: {region: eu-central-1, endpoint: %q, path_style: true}\n", f.URL))
	if r := o.trueup("check"); r.code != exitDone {
		t.Fatalf("check: %s%s", r.out, r.err)
	}
	options := blob.Options{S3: blob.S3{Region: "eu-central-1", Endpoint: f.URL, PathStyle: true}}
	for _, place := range []string{"s3://plain/a", "s3://locked/b"} {
		if _, err := opened(t, place, options).Stat(t.Context(), "trueup-check.txt"); err != nil {
			t.Fatal(err)
		}
	}
	f.Give(blobtest.Answer{Method: "PUT", Path: "/plain/a/run=", Times: 1 << 20, Status: 403, Code: "AccessDenied", Message: "Access Denied"})
	r := o.trueup("run")
	if r.code != exitUnreachable || !strings.Contains(r.err, "publish to s3://plain/a: ") || strings.Contains(r.err, "s3://locked") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
	run := filepath.Base(published(t, o.dir))
	if _, err := opened(t, "s3://locked/b", options).Stat(t.Context(), run+"/manifest.json"); err != nil {
		t.Error(err)
	}
}

// TestAWSPolicy prints policies; what is in them is tested with package blob.
func TestAWSPolicy(t *testing.T) {
	o := newOffice(t)
	if r := o.trueup("aws-policy"); r.code != exitUsage || !strings.Contains(r.err, "hint: archive: s3://BUCKET/PREFIX") {
		t.Errorf("without buckets: exit %d, %s", r.code, r.err)
	}
	o.write("trueup.yaml", officeConfig+"archive: s3://example-archive/trueup\npublish: [file:out, s3://example-reports/licences]\n"+
		"s3: {region: eu-central-1, object_lock: {mode: compliance, days: 400}}\n")
	for _, c := range []struct{ name, args string }{{"writer", ""}, {"archive", "--archive-only"}, {"reader", "--read-only"}, {"bucket", "--bucket example-reports"}} {
		r := o.trueup(append([]string{"aws-policy"}, strings.Fields(c.args)...)...)
		if r.code != exitDone || r.err != "" {
			t.Fatalf("%s: exit %d, %s", c.name, r.code, r.err)
		}
		golden(t, "aws-policy-"+c.name+".golden", r.out)
	}
	for _, args := range [][]string{{"--bucket", "other"}, {"--archive-only", "--bucket", "example-reports"}, {"--bucket", "example-reports", "--read-only"}, {"--output", "csv"}} {
		if r := o.trueup(append([]string{"aws-policy"}, args...)...); r.code != exitUsage || !strings.Contains(r.err, "hint: ") || r.out != "" {
			t.Errorf("%v: exit %d, %s", args, r.code, r.err)
		}
	}
}

// TestBucketConfiguration has every mistake of places and section s3 told at once.
func TestBucketConfiguration(t *testing.T) {
	o := newOffice(t)
	o.write("trueup.yaml", officeConfig+`archive: s3://Bucket
publish: [out, "s3://bucket//x", "s3://key:canary@bucket/x"]
s3:
  region: Frankfurt am Main
  endpoint: http://key:canary@store.example/x
  object_lock: {mode: forever, days: 3}
  sse: rot13
  bucket_owner: example
  storage: cheap
`)
	r := o.trueup("check")
	for _, key := range []string{": archive: ", ": publish[0]: ", ": publish[1]: ", ": publish[2]: ", ": s3.region: ", ": s3.endpoint: ", ": s3.object_lock.mode: ", ": s3.sse: ",
		": s3.bucket_owner: ", ": s3.storage: unknown key"} {
		if !strings.Contains(r.err, key) {
			t.Errorf("nothing of %s in\n%s", key, r.err)
		}
	}
	if r.code != exitUsage || strings.Contains(r.err, "canary") {
		t.Errorf("exit %d, or a secret is told:\n%s", r.code, r.err)
	}
}
