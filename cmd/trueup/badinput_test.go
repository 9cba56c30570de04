package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
	"github.com/xuri/excelize/v2"

	"trueup/connectors/connectortest"
)

// summary is what a plan says of its rows, in order.
func (p *planDocument) summary() []string {
	var all []string
	for _, r := range p.Rows {
		all = append(all, fmt.Sprintf("%s %s %s %s %s", r.Holder, r.Product, r.Verdict, r.Action.Kind, r.Action.State))
	}
	return all
}

// inputOf returns what the plan says of a feed.
func (p *planDocument) inputOf(t *testing.T, source, feed string) *planInput {
	t.Helper()
	for n := range p.Inputs {
		if in := &p.Inputs[n]; in.Source == source && in.Feed == feed {
			return in
		}
	}
	t.Fatalf("the plan has no input %s %s", source, feed)
	return nil
}

// feedOf says which feed a file is of, and the product whose rows rest on it; "" is every product.
var feedOf = map[string]struct{ source, feed, product string }{
	"hr.csv":           {"hr", "people", ""},
	"seats.csv":        {"seats", "seats", "figma"},
	"log.csv":          {"log", "sign-ins", "figma"},
	"okta/slack.json":  {"okta", "seats", "slack"},
	"okta/log.json":    {"okta", "sign-ins", "slack"},
	"entra/users.json": {"entra", "seats", "visio"},
}

// restsOn reports whether an action takes something away because of what a feed does not show, and nothing holds it back.
func restsOn(r *planRow, feed, product string) bool {
	if product != "" && r.Product != product || r.Action.Kind == "keep" || r.Action.Kind == "review" || r.Action.State == "withheld" {
		return false
	}
	return feed != "sign-ins" || r.Verdict != "leaver"
}

// without is a file in another form, under another name.
func (o *office) instead(name, other, text string) {
	o.t.Helper()
	if err := os.Remove(filepath.Join(o.dir, name)); err != nil {
		o.t.Fatal(err)
	}
	o.write(other, text)
}

const picture = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"

// TestRefusedFiles breaks a file so that its feed cannot be read, or not whole: the run says which file and why, takes
// nothing from anybody because of it, keeps what rests on other feeds, and a later good file makes good.
func TestRefusedFiles(t *testing.T) {
	for _, c := range []struct {
		name  string
		code  int
		says  string
		spoil func(o *office, name, text string)
	}{
		{"missing", exitUnreachable, "matches no file", func(o *office, name, _ string) { o.instead(name, "elsewhere", "") }},
		{"a folder", exitUnreachable, "matches no file", func(o *office, name, _ string) { o.instead(name, name+"/inside", "") }},
		{"a pipe", exitUnreachable, "is a pipe, socket or device", func(o *office, name, _ string) {
			o.instead(name, "elsewhere", "")
			if err := syscall.Mkfifo(filepath.Join(o.dir, name), 0o600); err != nil {
				o.t.Fatal(err)
			}
		}},
		{"unreadable", exitUnreachable, "permission denied", func(o *office, name, _ string) {
			connectortest.Unreadable(o.t, filepath.Join(o.dir, name))
		}},
		{"empty", exitWithheld, "is empty", func(o *office, name, _ string) { o.write(name, "") }},
		{"blank", exitWithheld, " no ", func(o *office, name, _ string) { o.write(name, "\n\r\n\n") }},
		{"a picture", exitUnreachable, "is binary, not text", func(o *office, name, _ string) { o.write(name, picture) }},
		{"another format", exitUnreachable, ":1: ", func(o *office, name, text string) {
			other := "okta/users.json"
			if strings.HasSuffix(name, ".json") {
				other = "hr.csv"
			}
			o.write(name, o.files()[other])
		}},
		{"truncated gzip", exitWithheld, "gzip stream ends early", func(o *office, name, text string) {
			packed := string(zipped(o.t, text))
			o.instead(name, name+".gz", packed[:len(packed)*2/3])
		}},
		{"truncated zstd", exitWithheld, "zstd stream ends early", func(o *office, name, text string) {
			packed := squeezed(o.t, text)
			o.instead(name, name+".zst", packed[:len(packed)*2/3])
		}},
		{"half compressed", exitWithheld, "gzip stream is damaged", func(o *office, name, text string) {
			o.instead(name, name+".gz", string(zipped(o.t, text[:len(text)/2]))+text[len(text)/2:])
		}},
		{"another compression", exitUnreachable, "compressed with xz", func(o *office, name, text string) { o.instead(name, name+".xz", "\xfd7zXZ\x00"+text) }},
		{"UTF-16 without a mark", exitUnreachable, "", func(o *office, name, text string) { o.write(name, wide(text)[2:]) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			whole, _ := o.plan()
			for _, name := range []string{"hr.csv", "log.csv", "entra/users.json"} {
				o.reset()
				c.spoil(o, name, o.files()[name])
				o.refuses(name, c.code, c.says, whole)
			}
			o.reset()
			if again, r := o.plan(); r.code != exitDone || !slices.Equal(again.summary(), whole.summary()) {
				t.Errorf("good files again: exit %d\n%s\n%v\nwant\n%v", r.code, r.err, again.summary(), whole.summary())
			}
		})
	}
}

// refuses makes a plan with a broken file and checks what becomes of it.
func (o *office) refuses(name string, code int, says string, whole *planDocument) {
	o.t.Helper()
	of := feedOf[name]
	plan, r := o.plan()
	if r.code != code {
		o.t.Errorf("%s: exit %d, want %d", name, r.code, code)
	}
	warning := fmt.Sprintf("warning: %s %s: %s: %s", of.source, of.feed, of.source, name)
	if !strings.Contains(r.err, warning) || !strings.Contains(r.err, says) {
		o.t.Errorf("%s: want %q … %q in\n%s", name, warning, says, r.err)
	}
	if in := plan.inputOf(o.t, of.source, of.feed); in.Failure == "" || plan.Complete {
		o.t.Errorf("%s: the plan is complete: %v, the feed's failure %q", name, plan.Complete, in.Failure)
	}
	for n := range plan.Rows {
		if restsOn(&plan.Rows[n], of.feed, of.product) {
			o.t.Errorf("%s: planned from a broken feed: %+v", name, plan.Rows[n])
		}
	}
	if of.product == "" {
		return
	}
	rest := func(p *planDocument) []string {
		return slices.DeleteFunc(p.summary(), func(row string) bool { return strings.Contains(row, of.product) })
	}
	if got, want := rest(plan), rest(whole); !slices.Equal(got, want) {
		o.t.Errorf("%s: what rests on other feeds is\n%v\nwant\n%v", name, got, want)
	}
}

// wide is text as UTF-16, little-endian, with its mark.
func wide(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// TestOtherForms writes the same facts in forms that systems really send: the same is decided.
func TestOtherForms(t *testing.T) {
	o := newOffice(t)
	whole, _ := o.plan()
	for _, c := range []struct {
		name string
		form func(name, text string)
	}{
		{"CRLF and a byte order mark", func(name, text string) { o.write(name, "\ufeff"+strings.ReplaceAll(text, "\n", "\r\n")) }},
		{"UTF-16", func(name, text string) { o.write(name, wide(text)) }},
		{"gzip", func(name, text string) { o.instead(name, name+".gz", string(zipped(t, text))) }},
		{"zstd", func(name, text string) { o.instead(name, name+".zst", squeezed(t, text)) }},
		{"two gzip streams", func(name, text string) {
			o.instead(name, name+".gz", string(zipped(t, text[:len(text)/2]))+string(zipped(t, text[len(text)/2:])))
		}},
	} {
		o.reset()
		for name, text := range o.files() {
			c.form(name, text)
		}
		if plan, r := o.plan(); r.code != exitDone || !slices.Equal(plan.summary(), whole.summary()) {
			t.Errorf("%s: exit %d\n%s\n%v\nwant\n%v", c.name, r.code, r.err, plan.summary(), whole.summary())
		}
	}
}

// TestRejectedRecords spoils the record of somebody who uses the product daily: it is counted and listed with its place,
// the other records count, and nothing is taken from anybody because of it.
func TestRejectedRecords(t *testing.T) {
	for _, c := range []struct{ name, reason, insert string }{
		{"NUL", "", "\x00"}, {"not UTF-8", "", "\xff"}, {"half a character", "", "\xe2\x82"},
	} {
		for _, name := range []string{"hr.csv", "seats.csv", "log.csv", "okta/log.json", "okta/slack.json", "entra/users.json"} {
			t.Run(c.name+" in "+name, func(t *testing.T) {
				t.Parallel()
				o, of := newOffice(t), feedOf[name]
				o.write(name, strings.Replace(o.files()[name], "ada@", "a"+c.insert+"da@", 1))
				plan, r := o.plan()
				in := plan.inputOf(t, of.source, of.feed)
				if r.code != exitDone && r.code != exitWithheld || in.Rejected != 1 || in.Rows != 3 {
					t.Errorf("exit %d, %d of %d records rejected\n%s", r.code, in.Rejected, in.Rows, r.err)
				}
				place := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `:\d+: rejected: .+$`)
				if listed := o.trueup("pull", of.source); !place.MatchString(listed.out) {
					t.Errorf("the pull does not list the record:\n%s", listed.out)
				}
				for n := range plan.Rows {
					if row := &plan.Rows[n]; strings.Contains(row.Account, "ada@") && row.Action.Kind != "keep" && row.Action.Kind != "review" {
						t.Errorf("planned without her record: %+v", row)
					}
				}
			})
		}
	}
}

// TestOddText keeps formula text, odd addresses and control characters exactly, and neutralises them only for people.
func TestOddText(t *testing.T) {
	o := newOffice(t)
	const formula, address = `=HYPERLINK("http://evil.example","pay")`, `"o'brien+tag"@sub.exämple.com`
	hr, seats := o.files()["hr.csv"], o.files()["seats.csv"]
	o.write("hr.csv", hr+"E9,"+quote(address)+","+quote(formula)+",employee,active,\"@SUM(1+1)\x1b[31m\",2020-01-01,\n")
	o.write("seats.csv", seats+quote(address)+",figma,2025-01-01,direct\n"+"+4917012345,figma,2025-01-01,direct\n")
	r := o.trueup("run", "--output", "json")
	plan := parsePlan(t, r.out)
	row := plan.find("E9", "", "figma")
	if row == nil || row.Name != formula || row.Account != address {
		t.Fatalf("kept as %+v", row)
	}
	if plan.find("+4917012345", "", "figma") == nil {
		t.Error("the account that looks like a number has no row")
	}
	book, err := filepath.Glob(filepath.Join(published(t, o.dir), "*.xlsx"))
	if err != nil || len(book) != 1 {
		t.Fatal(book, err)
	}
	f, err := excelize.OpenFile(book[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := false
	for _, sheet := range f.GetSheetList() {
		rows, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for y, cells := range rows {
			for x, cell := range cells {
				if strings.ContainsAny(cell, "\x1b\x00") {
					t.Errorf("%s holds a control character: %q", sheet, cell)
				}
				if !strings.Contains(cell, "HYPERLINK") {
					continue
				}
				found = true
				at, err := excelize.CoordinatesToCellName(x+1, y+1)
				if err != nil {
					t.Fatal(err)
				}
				if text, err := f.GetCellFormula(sheet, at); err != nil || text != "" {
					t.Errorf("%s %s is a formula: %q, %v", sheet, at, text, err)
				}
				if kind, err := f.GetCellType(sheet, at); err != nil || kind == excelize.CellTypeFormula {
					t.Errorf("%s %s is of type %v, %v", sheet, at, kind, err)
				}
			}
		}
	}
	if !found {
		t.Error("the formula text is nowhere in the workbook")
	}
	for _, command := range [][]string{{"plan"}, {"explain", "E9"}, {"runs", "show", "latest"}, {"pull"}} {
		if r := o.trueup(command...); strings.Contains(r.out+r.err, "\x1b") {
			t.Errorf("%v sends an escape sequence from the data to the terminal: %q", command, r.out+r.err)
		}
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// TestBoundedMemory reads a line without an end and a decompression bomb, in a process of its own.
func TestBoundedMemory(t *testing.T) {
	const bound = 250 << 10 // kilobytes; the largest record is 16 MiB
	for _, c := range []struct {
		name, file string
		write      func(w io.Writer) error
		code       int
		says       string
	}{
		{"a line of 200 MB", "log.csv", func(w io.Writer) error {
			if _, err := io.WriteString(w, "time,account,application,outcome,interactive\n"); err != nil {
				return err
			}
			return repeat(w, "a", 200<<20)
		}, exitWithheld, "log.csv:2: rejected: longer than"},
		{"a string of 200 MB", "okta/log.json", func(w io.Writer) error {
			if _, err := io.WriteString(w, `[{"uuid":"`); err != nil {
				return err
			}
			return repeat(w, "a", 200<<20)
		}, exitWithheld, "okta/log.json"},
		{"a bomb of lines", "log.csv.zst", func(w io.Writer) error { return bomb(w, "2026-06-01T00:00:00Z,nobody,Figma,success,true\n") }, exitUnreachable, "log.csv.zst"},
		{"a bomb of brackets", "okta/log.json.zst", func(w io.Writer) error { return bomb(w, "[") }, exitUnreachable, "okta/log.json.zst"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			source := "log"
			if strings.HasPrefix(c.file, "okta") {
				source = "okta"
			}
			name := strings.TrimSuffix(c.file, ".zst")
			if name != c.file {
				o.instead(name, c.file, "")
			}
			f, err := os.Create(filepath.Join(o.dir, c.file))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(c.write(f), f.Close()); err != nil {
				t.Fatal(err)
			}
			p := (&site{t: t, dir: o.dir}).start("pull", source)
			if code := p.exit(); code != c.code || !strings.Contains(p.out.String()+p.err.String(), c.says) {
				t.Errorf("exit %d, want %d and %q\n%s%s", code, c.code, c.says, p.out.String(), p.err.String())
			}
			usage, ok := p.ProcessState.SysUsage().(*syscall.Rusage)
			if !ok {
				t.Skip("this system does not tell how much memory a process had")
			}
			if t.Logf("%d MB resident at most", usage.Maxrss>>10); usage.Maxrss > bound {
				t.Errorf("%d kB resident, at most %d are allowed", usage.Maxrss, bound)
			}
		})
	}
}

func repeat(w io.Writer, text string, size int) error {
	chunk := []byte(strings.Repeat(text, 1<<20/len(text)))
	for ; size > 0; size -= len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// bomb writes a gigabyte of text compressed to a few kilobytes.
func bomb(w io.Writer, text string) error {
	z, err := zstd.NewWriter(w)
	if err != nil {
		return err
	}
	return errors.Join(repeat(z, text, 1<<30), z.Close())
}
