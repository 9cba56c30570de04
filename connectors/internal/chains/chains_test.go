package chains

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(dir, ".license")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func text(files [][]byte) string {
	var all []string
	for _, b := range files {
		all = append(all, string(b))
	}
	return strings.Join(all, " ")
}

func TestChains(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	f := open(t, dir)
	for _, c := range []struct {
		chain []string
		n     int
		file  string
		want  error
	}{
		{[]string{"SO-1", "1"}, 0, "a0", nil},
		{[]string{"SO-1", "1"}, 1, "a1", nil},
		{[]string{"SO-1", "1"}, 1, "a1", nil},
		{[]string{"SO-1", "1"}, 1, "other", ErrTaken},
		{[]string{"SO-1", "10"}, 0, "b0", nil},
		{[]string{"SO/1", ".."}, 0, "c0", nil},
		{[]string{"Ü =", "x"}, 0, "d0", nil},
	} {
		if err := f.Append(ctx, c.chain, c.n, []byte(c.file)); !errors.Is(err, c.want) {
			t.Errorf("append %q number %d: %v, want %v", c.chain, c.n, err, c.want)
		}
	}
	for _, n := range []int{-1, longest} {
		if f.Append(ctx, []string{"a", "b"}, n, nil) == nil {
			t.Errorf("number %d is accepted", n)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "SO-1", "1", "README"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	for _, c := range []struct {
		chain []string
		want  string
	}{{[]string{"SO-1", "1"}, "a0 a1"}, {[]string{"SO-1", "10"}, "b0"}, {[]string{"SO/1", ".."}, "c0"}, {[]string{"Ü =", "x"}, "d0"},
		{[]string{"SO-1", "2"}, ""}, {[]string{"SO", "1"}, ""}} {
		if files, err := again.Read(ctx, c.chain); err != nil || text(files) != c.want {
			t.Errorf("%q: %q, %v, want %q", c.chain, text(files), err, c.want)
		}
	}
	last, err := again.Last(ctx)
	got := strings.Split(text(last), " ")
	slices.Sort(got)
	if err != nil || strings.Join(got, " ") != "a1 b0 c0 d0" {
		t.Errorf("last: %q, %v", got, err)
	}
}
