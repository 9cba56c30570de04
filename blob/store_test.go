package blob_test

import (
	"testing"

	"trueup/blob"
	"trueup/blob/blobtest"
)

// open opens a location, or fails the test.
func open(t *testing.T, location string, o blob.Options) blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), location, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFolder(t *testing.T) {
	blobtest.Exercise(t, func(t *testing.T) func() blob.Store {
		dir := t.TempDir()
		return func() blob.Store { return open(t, "file:"+dir, blob.Options{}) }
	})
}
