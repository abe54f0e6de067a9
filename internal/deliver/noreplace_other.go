//go:build !linux

package deliver

import (
	"errors"
	"os"
)

func renameUnlessThere(*os.Root, string, string) error { return errors.ErrUnsupported }
