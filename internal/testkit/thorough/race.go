//go:build race

package thorough

// Raced says that this process has the race detector.
const Raced = true
