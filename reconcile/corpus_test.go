package reconcile

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files")

// TestBadFiles reads each *.bad.yaml and compares the whole error with the file's golden text.
func TestBadFiles(t *testing.T) {
	catalogue := testCatalogue(t)
	parse := map[string]func(string, []byte) error{
		"policy":    func(name string, data []byte) error { _, err := ParsePolicy(name, data, catalogue); return err },
		"catalogue": func(name string, data []byte) error { _, err := ParseCatalogue(name, data); return err },
	}
	for folder, parse := range parse {
		files, err := filepath.Glob("testdata/" + folder + "/*.bad.yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("testdata/%s: %d bad files: %v", folder, len(files), err)
		}
		for _, file := range files {
			t.Run(folder+"/"+filepath.Base(file), func(t *testing.T) {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				err = parse(filepath.Base(file), data)
				if err == nil {
					t.Fatal("was accepted")
				}
				golden(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
			})
		}
	}
}

// golden compares got with a file, or writes the file under -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
