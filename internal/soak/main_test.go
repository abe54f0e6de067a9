package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// built is the folder of the program; it goes when the tests end.
var built string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if built, err = os.MkdirTemp("", "lineboard-soak-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(built)
		// What the command line says about rapid goes before what is said here.
		for name, value := range map[string]string{
			"rapid.checks":     setting("SOAK_CHECKS", modelChecks),
			"rapid.steps":      setting("SOAK_STEPS", modelSteps),
			"rapid.seed":       setting("SOAK_SEED", "0"),
			"rapid.shrinktime": "15s",
			"rapid.nofailfile": "true", // the seed is enough, and nothing stays behind
		} {
			if err := flag.Set(name, value); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
				return 1
			}
		}
		return m.Run()
	}())
}

func setting(name, standard string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return standard
}

// seed is what the randomness of a test comes from: printed, so that a run can be had again with SOAK_SEED.
func seed(t *testing.T) *rand.Rand {
	t.Helper()
	n, err := strconv.ParseUint(setting("SOAK_SEED", strconv.FormatUint(uint64(rand.Uint32()), 10)), 10, 64)
	if err != nil {
		t.Fatalf("SOAK_SEED: %v", err)
	}
	t.Logf("SOAK_SEED=%d", n)
	return rand.New(rand.NewPCG(n, 0))
}
