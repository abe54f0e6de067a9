//go:build !race

package handlers_test

// raced says that this process has the race detector.
const raced = false
