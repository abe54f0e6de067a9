package durable

import (
	"path/filepath"
	"testing"
)

// A first start on Windows makes files in folders that nobody can bring to the disk there: that is no error.
func TestAFolderIsBroughtToTheDiskWhereTheSystemCanBeAskedForThat(t *testing.T) {
	t.Parallel()
	gone := filepath.Join(t.TempDir(), "gone")
	for system, fails := range map[string]bool{"linux": true, "darwin": true, "windows": false} {
		if err := syncFolder(system, gone); (err != nil) != fails {
			t.Errorf("%s: %v", system, err)
		}
		if err := syncFolder(system, filepath.Dir(gone)); err != nil {
			t.Errorf("%s, a folder that is there: %v", system, err)
		}
	}
}
