//go:build race

package soak

// How many sequences the model test runs, and how long they are on average. The race detector slows SQLite some thirty
// times.
const (
	modelChecks = "8"
	modelSteps  = "18"
)
