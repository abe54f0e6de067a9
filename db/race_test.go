//go:build race

package db

import "flag"

// The race detector slows SQLite some thirty times: what is tried at random is then tried less often.
func init() { _ = flag.Set("rapid.checks", "10") }
