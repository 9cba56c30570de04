package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
	"github.com/xuri/excelize/v2"
)

// TestReport builds a run's documents again: the plan and the rows byte for byte, the workbook cell for cell, also when
// the exports are gone and later runs have changed the ledger.
func TestReport(t *testing.T) {
	s := newSite(t, monday)
	s.must(exitWithheld, "run", "--quiet")
	folder := published(t, s.dir)
	run := strings.TrimPrefix(filepath.Base(folder), "run=")
	s.clock.base = s.clock.base.Add(time.Minute)
	s.must(exitWithheld, "plan", "--quiet")
	if err := os.RemoveAll(s.path("okta")); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "again")
	r := s.must(exitDone, "report", run, "--out", out)
	for _, name := range []string{"plan.json", "rows.csv"} {
		if got, want := read(t, filepath.Join(out, name)), read(t, filepath.Join(folder, name)); got != want {
			t.Errorf("%s differs from what was published", name)
		}
		if !strings.Contains(r.out, filepath.Join(out, name)) {
			t.Errorf("the report does not name %s: %s", name, r.out)
		}
	}
	const book = "trueup-2026-06-29.xlsx"
	got, want := cells(t, filepath.Join(out, book)), cells(t, filepath.Join(folder, book))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the workbook differs from what was published:\n%s", diff)
	}
	if len(want) < 4 {
		t.Errorf("the workbook has %d sheets", len(want))
	}
}

// cells reads every cell of a workbook, by sheet.
func cells(t *testing.T, path string) map[string][][]string {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string][][]string{}
	for _, sheet := range f.GetSheetList() {
		if all[sheet], err = f.GetRows(sheet); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestExplain explains three planted people and two planted products in words and as JSON, and shows their run.
func TestExplain(t *testing.T) {
	s := newSite(t, monday)
	s.must(exitWithheld, "run", "--quiet")
	ids := regexp.MustCompile(`[0-9a-f]{16,64}`)
	for _, holder := range []string{"E0181", "sabine.suite@example.com", "zwilling@example.com", "matlab", "signal-toolbox"} {
		name, _, _ := strings.Cut(holder, "@")
		text := s.must(exitDone, "explain", holder)
		golden(t, "explain-"+name+".golden", ids.ReplaceAllString(text.out, "ID"))
		document := s.must(exitDone, "explain", holder, "--output", "json")
		if !json.Valid([]byte(document.out)) {
			t.Errorf("%s: no JSON: %s", holder, document.out)
		}
		golden(t, "explain-"+name+".json.golden", ids.ReplaceAllString(document.out, "ID"))
	}
	list := s.must(exitDone, "runs", "--output", "json")
	var runs struct {
		Runs []struct{ Run, Kind, State, Plan string }
	}
	if err := json.Unmarshal([]byte(list.out), &runs); err != nil || len(runs.Runs) != 1 || runs.Runs[0].Kind != "run" ||
		runs.Runs[0].State != "done" || runs.Runs[0].Plan == "" {
		t.Fatalf("the runs are %s, %v", list.out, err)
	}
	var shown struct {
		Run     struct{ Run, Plan string }
		Actions []struct {
			Holder, State string
			Money         struct{ Exposure string }
		}
	}
	show := s.must(exitDone, "runs", "show", runs.Runs[0].Run[:20], "--output", "json")
	if err := json.Unmarshal([]byte(show.out), &shown); err != nil || shown.Run.Run != runs.Runs[0].Run || len(shown.Actions) == 0 {
		t.Errorf("the run is %s, %v", show.out, err)
	}
	for _, a := range shown.Actions {
		if a.Holder == "E0181" && (a.State == "" || !strings.Contains(a.Money.Exposure, ".")) {
			t.Errorf("an action is shown as %+v", a)
		}
	}
	text := s.must(exitDone, "runs", "show", "latest").out
	for _, part := range []string{"kind      run", "state     done", "exit      3", "/out/run=", "E0181"} {
		if !strings.Contains(text, part) {
			t.Errorf("the run as text lacks %q:\n%.600s", part, text)
		}
	}
}

// TestDamage changes what ledger and archive hold: whoever reads it is told so, with exit code 7.
func TestDamage(t *testing.T) {
	t.Run("archive", func(t *testing.T) {
		o := newOffice(t)
		o.plan()
		input := filepath.Join(o.dir, "var", "archive", filepath.FromSlash(objectOf(o.files()["log.csv"])))
		spoil(t, input)
		r := o.trueup("plan", "--offline")
		if r.code != exitVerification || !strings.Contains(r.err, "log sign-ins: ") || !strings.Contains(r.err, "is damaged") {
			t.Errorf("a damaged input: exit %d\n%s", r.code, r.err)
		}
		o.plan()
		spoil(t, filepath.Join(o.dir, "var", "archive", filepath.FromSlash(objectOf(officePolicy))))
		for _, command := range [][]string{{"explain", "E1"}, {"report", "latest", "--out", t.TempDir()}} {
			if r := o.trueup(command...); r.code != exitVerification || !strings.Contains(r.err, "is damaged") || r.out != "" {
				t.Errorf("%v from a damaged archive: exit %d\n%s", command, r.code, r.err)
			}
		}
	})
	t.Run("ledger", func(t *testing.T) {
		o := newOffice(t)
		o.plan()
		if r := o.trueup("ledger", "verify"); r.code != exitDone {
			t.Fatalf("exit %d: %s", r.code, r.err)
		}
		db, err := sqlx.Open("sqlite", filepath.Join(o.dir, "var", "trueup.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(`UPDATE plans SET mode = 'observe'`); err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{"ledger", "verify"}, {"check"}} {
			if r := o.trueup(command...); r.code != exitVerification {
				t.Errorf("%v of a changed ledger: exit %d\n%s%s", command, r.code, r.out, r.err)
			}
		}
	})
	t.Run("reference", func(t *testing.T) {
		o := newOffice(t)
		o.write("trueup.yaml", "archive_inputs: reference\n"+officeConfig)
		whole, _ := o.plan()
		r := o.trueup("plan", "--offline", "--output", "json")
		if r.code != exitDone || parsePlan(t, r.out).summary()[0] != whole.summary()[0] {
			t.Errorf("from references: exit %d\n%s", r.code, r.err)
		}
		o.write("log.csv", o.files()["log.csv"]+"2026-06-30T08:00:00Z,bob@example.com,Figma,success,true\n")
		if r := o.trueup("plan", "--offline"); r.code != exitUnreachable || !strings.Contains(r.err, "is not the file that was read then") {
			t.Errorf("a changed file: exit %d\n%s", r.code, r.err)
		}
	})
}

// objectOf is where the archive keeps bytes.
func objectOf(text string) string {
	name := strings.TrimPrefix(digestOf([]byte(text)), "sha256:")
	return "objects/sha256/" + name[:2] + "/" + name + ".zst"
}

// spoil changes one byte in the middle of a file.
func spoil(t *testing.T, path string) {
	t.Helper()
	body := []byte(read(t, path))
	spoilt := bytes.Clone(body)
	spoilt[len(spoilt)/2] ^= 0x40
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, spoilt, 0o600); err != nil {
		t.Fatal(err)
	}
}
