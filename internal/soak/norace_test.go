//go:build !race

package soak

// How many sequences the model test runs, and how long they are on average.
const (
	modelChecks = "50"
	modelSteps  = "20"
)
