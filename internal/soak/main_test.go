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
func seed(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(setting("SOAK_SEED", strconv.FormatUint(uint64(rand.Uint32()), 10)), 10, 64)
	if err != nil {
		t.Fatalf("SOAK_SEED: %v", err)
	}
	t.Logf("SOAK_SEED=%d", n)
	return n
}

// times is how often something is done.
func times(t *testing.T, name, standard string) int {
	t.Helper()
	n, err := strconv.Atoi(setting(name, standard))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if _, err := binary(); err != nil {
		t.Fatalf("build the program: %v", err)
	}
	return n
}

// eachSite runs a test at one site after the other, so that no site grows without end: what a round costs grows with
// its orders. The randomness of a site depends on the seed and its number alone: -run can choose one.
func eachSite(t *testing.T, rounds, most int, do func(t *testing.T, random *rand.Rand, rounds int)) {
	n := seed(t)
	for site := 0; rounds > 0 && !t.Failed(); site++ {
		t.Run(strconv.Itoa(site), func(t *testing.T) {
			do(t, rand.New(rand.NewPCG(n, uint64(site))), min(rounds, most))
		})
		rounds -= most
	}
}
