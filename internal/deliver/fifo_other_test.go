//go:build !unix

package deliver

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
