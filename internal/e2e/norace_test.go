//go:build !race

package e2e

// raced says that this process has the race detector.
const raced = false
