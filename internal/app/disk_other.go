//go:build !unix

package app

// sameDisk reports whether two folders are on the same file system, as far as that is known.
func sameDisk(string, string) bool { return false }

// foreignFiles finds nothing: files have no such owner here.
func foreignFiles(string, string) []string { return nil }
