package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"trueup/blob/blobtest"
	"trueup/store/storetest"
)

// TestProduction does what the README says under "In production", to the letter, on a PostgreSQL server and an S3 server,
// and compares what is said with docs/production.md, which -update rewrites.
func TestProduction(t *testing.T) {
	readme := read(t, "../../README.md")
	lines, commands := fenced(t, readme, "yaml"), fenced(t, readme, "sh")
	database, bucket := storetest.Own(t, "fsync=off"), blobtest.Start(t)
	database.Exec(t, "postgres", "CREATE ROLE trueup LOGIN", "CREATE DATABASE trueup OWNER trueup")
	s := newSite(t, monday)
	stands := strings.NewReplacer("postgres://trueup@db.example.com/trueup", database.DSN("trueup", "trueup"), "s3://licences/", "s3://"+blobtest.Locked+"/",
		"region: eu-central-1", fmt.Sprintf("region: us-east-1, endpoint: %q, path_style: true", bucket.Endpoint))
	s.replace("trueup.yaml", "store: sqlite:var/trueup.db\narchive: file:var/archive\npublish: [file:out]\n", stands.Replace(lines))

	var said strings.Builder
	for command := range strings.Lines(commands) {
		command, _, _ = strings.Cut(strings.TrimSpace(command), "  ")
		args := strings.Fields(strings.ReplaceAll(command, "evidence", s.path("evidence")))[1:]
		r := s.trueup(args...)
		if r.code != exitDone && r.code != exitWithheld {
			t.Fatalf("%s exits with %d\n%s", command, r.code, r.err)
		}
		if args[0] == "check" || args[0] == "runs" { // columns are as wide as the addresses of the moment
			r.out = regexp.MustCompile(` {2,}`).ReplaceAllString(r.out, "  ")
		}
		fmt.Fprintf(&said, "$ %s\n%s%s", command, r.err, r.out)
		if r.code != exitDone {
			fmt.Fprintf(&said, "(exit code %d)\n", r.code)
		}
		said.WriteByte('\n')
	}
	if len(s.vendor.Effects()) == 0 {
		t.Error("nothing was done at the vendor")
	}
	nothingLocal(t, s)

	back := strings.NewReplacer(database.DSN("trueup", "trueup"), "postgres://trueup@db.example.com/trueup", "s3://"+blobtest.Locked+"/", "s3://licences/", s.dir+"/", "")
	text := regexp.MustCompile(`20260629T\d{6}\.\d{3}Z-\d{5}`).ReplaceAllString(calm(back.Replace(said.String()), s.dir), "20260629T020000.000Z-RUN")
	text = regexp.MustCompile(`\b[0-9a-f]{16}\b`).ReplaceAllString(text, "PLAN")
	text = regexp.MustCompile(`\b\d+ms\b`).ReplaceAllString(text, "N ms")
	text = regexp.MustCompile(`sha256:[0-9a-f]{64}`).ReplaceAllString(text, "sha256:HEAD")
	page := read(t, "../../docs/production.md")
	want, err := replaceBetween(page, "<!-- transcript -->\n", "<!-- /transcript -->", "```text\n"+strings.TrimSpace(text)+"\n```\n")
	switch {
	case err != nil:
		t.Fatal(err)
	case want == page:
	case *update:
		if err := os.WriteFile("../../docs/production.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/production.md is not what the commands say (go test -update accepts it); they say:\n%s", text)
	}
}

// fenced returns the block of a language in the README's section on production.
func fenced(t *testing.T, readme, language string) string {
	t.Helper()
	_, section, _ := strings.Cut(readme, "<!-- production -->\n")
	section, _, found := strings.Cut(section, "<!-- /production -->")
	_, block, opened := strings.Cut(section, "```"+language+"\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !opened || !closed {
		t.Fatalf("the README has no block of %s between the marks of production", language)
	}
	return block
}

// nothingLocal holds that nothing but reports was left on the local disk.
func nothingLocal(t *testing.T, s *site) {
	t.Helper()
	for _, name := range []string{"var/trueup.db", "var/archive"} {
		if _, err := os.Stat(s.path(name)); !os.IsNotExist(err) {
			t.Errorf("%s stands on the local disk: %v", name, err)
		}
	}
}
