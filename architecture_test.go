// Package trueup has no code of its own; its test guards the arrows between the rooms.
package trueup

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// room is one folder (or, ending in /*, the folders right below one) with what its production code may import of ours.
type room struct {
	folder string
	may    []string // folders; a trailing /... means everything below
	reason string   // said when an import is not among them
}

// rooms is the whole house. A folder that is not listed fails the test: a new room needs a line and a reason here.
var rooms = []room{
	{"facts", nil, "facts are what was observed; they know nothing of what is concluded from them"},
	{"blob", nil, "blob stores bytes and knows nothing else of ours"},
	{"blob/blobtest", []string{"blob"}, "the exercise of object stores and the servers for it know stores"},
	{"licensegen", nil, "licensegen is small enough to embed; it knows nothing else of ours"},
	{"connectors", []string{"facts"}, "the driver contract knows facts, not drivers, databases or plans"},
	{"connectors/internal/*", []string{"connectors", "connectors/internal/...", "facts", "blob"}, "shared plumbing knows no vendor"},
	{"connectors/licensegen", []string{"connectors", "connectors/internal/...", "facts", "licensegen"}, "a driver knows one system: no other driver, no plan, no database"},
	{"connectors/all", []string{"connectors", "connectors/*"}, "the list of kinds knows the drivers and nothing else"},
	{"connectors/connectortest", []string{"connectors", "connectors/internal/...", "facts"}, "the conformance suite knows the contract, not the drivers"},
	{"connectors/*", []string{"connectors", "connectors/internal/...", "facts"}, "a driver knows one system: no other driver, no plan, no database"},
	{"reconcile", []string{"facts"}, "deciding is pure: no driver, no database, no report"},
	{"reconcile/apply", []string{"reconcile", "facts"}, "apply reaches vendors and databases through its own two interfaces only"},
	{"reconcile/trial", []string{"reconcile", "facts"}, "a policy is tried by the engine itself: no database, no report"},
	{"reports", []string{"reconcile", "licensegen", "facts"}, "the view model is made from decisions, not from databases or vendors"},
	{"reports/publish", []string{"reports", "blob", "reconcile", "facts"}, "publishing knows where bytes go, not what is in them"},
	{"reports/*", []string{"reports", "reconcile", "licensegen", "facts"}, "a rendering knows the view model and no other rendering"},
	{"store", []string{"reconcile", "licensegen", "facts", "blob"}, "the store keeps decisions; it knows no vendor, no pipeline, no report"},
	{"schedule", nil, "the scheduler knows cron and time; what is run, and where slots are kept, it is handed"},
	{"store/storetest", nil, "servers for tests know nothing of what is tested on them; the store's own tests import them"},
	{"notify", nil, "notices know neither vendors nor databases"},
	{"pipeline", []string{"connectors", "reconcile", "reconcile/apply", "reports", "reports/*", "notify", "facts"}, "the line reaches databases and vendors through interfaces; cmd wires them"},
	{"web", []string{"pipeline", "reports", "reconcile", "facts"}, "the dashboard renders the view model and knows no store internals"},
	{"fixtures", []string{"fixtures/..."}, "the demo organisation is made without the code that is tried on it"},
	{"fixtures/*", []string{"fixtures", "fixtures/..."}, "the demo organisation is made without the code that is tried on it"},
	{"cmd/*", []string{"..."}, ""},
	{"bench", []string{"..."}, ""},
	{"bench/*", []string{"..."}, ""},
	{"docs/*", []string{"reports", "reconcile", "connectors/all"}, "generators of documents read what the documents list"},
	{".", nil, "the root holds no code"},
}

func TestArrows(t *testing.T) {
	seen := map[string]bool{}
	for folder, imports := range productionImports(t) {
		r, ok := roomOf(folder)
		if !ok {
			t.Errorf("%s is a new room: list it in architecture_test.go with what it may import and why", folder)
			continue
		}
		seen[r.folder] = true
		for _, target := range imports {
			if !allowed(r.may, target) {
				t.Errorf("%s must not import %s: %s", folder, target, r.reason)
			}
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %d rooms were found: the test looks in the wrong place", len(seen))
	}
}

// TestFixturesStayOut keeps test data and conformance suites out of what is shipped.
func TestFixturesStayOut(t *testing.T) {
	for folder, imports := range productionImports(t) {
		if strings.HasPrefix(folder, "cmd/") || strings.HasPrefix(folder, "bench") || strings.HasPrefix(folder, "fixtures") {
			continue // the demo command writes the demo organisation and plays its vendor
		}
		for _, target := range imports {
			if strings.HasPrefix(target, "fixtures") || strings.HasSuffix(target, "test") {
				t.Errorf("%s must not import %s: it is for tests and the demo", folder, target)
			}
		}
	}
}

func TestNoInitFunctions(t *testing.T) {
	walk(t, func(file string) {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Error(err)
			return
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init(): wiring is explicit here, so that tests and readers see it", set.Position(fn.Pos()))
			}
		}
	})
}

// productionImports maps each folder with Go code to the folders of ours that it imports outside tests.
func productionImports(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	walk(t, func(file string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		folder := filepath.ToSlash(filepath.Dir(file))
		if _, ok := all[folder]; !ok {
			all[folder] = nil
		}
		for _, spec := range f.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err == nil && strings.HasPrefix(target, "trueup/") {
				all[folder] = append(all[folder], strings.TrimPrefix(target, "trueup/"))
			}
		}
	})
	return all
}

func walk(t *testing.T, visit func(file string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "tools") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			visit(file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// roomOf finds the line for a folder: its own, or that of its parent with a star.
func roomOf(folder string) (room, bool) {
	star := path.Dir(folder) + "/*"
	var parent room
	found := false
	for _, r := range rooms {
		if r.folder == folder {
			return r, true
		}
		if r.folder == star && !found {
			parent, found = r, true
		}
	}
	return parent, found
}

func allowed(may []string, target string) bool {
	for _, m := range may {
		switch {
		case m == "..." || m == target:
			return true
		case strings.HasSuffix(m, "/...") && strings.HasPrefix(target+"/", strings.TrimSuffix(m, "...")):
			return true
		case strings.HasSuffix(m, "/*") && path.Dir(target) == strings.TrimSuffix(m, "/*"):
			return true
		}
	}
	return false
}
