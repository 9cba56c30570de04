package connectortest

import (
	"os"
	"testing"
)

// writeOnly is a file of Linux that nobody may read, root included: the kernel takes what is written to it and refuses
// to open it for reading.
const writeOnly = "/sys/bus/platform/drivers_probe"

// Unreadable takes away the permission to read a file. Root may read whatever its permissions say, so for root a link to
// a file of the kernel stands in its place; where there is none the test is skipped.
func Unreadable(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		return
	}
	if f, err := os.Open(writeOnly); !os.IsPermission(err) {
		if err == nil {
			f.Close()
		}
		t.Skip("root may read every file here")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(writeOnly, path); err != nil {
		t.Fatal(err)
	}
}
