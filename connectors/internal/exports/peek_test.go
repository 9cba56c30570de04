package exports

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestPeek(t *testing.T) {
	for text, want := range map[string]byte{"": 0, " \r\n\t": 0, "{}": '{', "\n  [1]": '[', "a": 'a', strings.Repeat(" ", 5000) + "x": 0} {
		f := &File{r: iotest.OneByteReader(strings.NewReader(text))}
		first, err := f.Peek()
		if err != nil || first != want {
			t.Errorf("%.10q: %q, %v", text, first, err)
		}
		if all, err := io.ReadAll(f); err != nil || string(all) != text {
			t.Errorf("%.10q: then %.10q, %v", text, all, err)
		}
	}
	broken := errors.New("broken")
	if _, err := (&File{Name: "a", r: iotest.ErrReader(broken)}).Peek(); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}
