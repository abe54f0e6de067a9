//go:build !unix

package app

import (
	"path/filepath"
	"strings"
)

// sameDisk reports whether two folders are on the same drive or share, as far as their names say.
func sameDisk(a, b string) bool {
	first, err := filepath.Abs(a)
	second, failed := filepath.Abs(b)
	drive := filepath.VolumeName(first)
	return err == nil && failed == nil && drive != "" && strings.EqualFold(drive, filepath.VolumeName(second))
}

// foreignFiles finds nothing: files have no such owner here.
func foreignFiles(string, string) []string { return nil }
