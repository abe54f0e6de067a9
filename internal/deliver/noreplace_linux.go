package deliver

import (
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// renameUnlessThere gives a file of a folder its name in one step of the kernel, unless a file has it. Both are in the
// same folder.
func renameUnlessThere(root *os.Root, part, name string) error {
	dir, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	at := int(dir.Fd()) //nolint:gosec // a descriptor fits
	return unix.Renameat2(at, path.Base(part), at, path.Base(name), unix.RENAME_NOREPLACE)
}
