//go:build race

package soak

// How many sequences the model test runs, and how long they are on average.
const (
	modelChecks = "5"
	modelSteps  = "20"
)
