//go:build !race

package soak

import (
	"strconv"

	"lineboard/internal/testkit/thorough"
)

// How many sequences the model test runs, and how long they are on average.
var modelChecks = strconv.Itoa(thorough.Times(5, 15))

const modelSteps = "20"
