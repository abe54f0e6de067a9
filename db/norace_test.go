//go:build !race

package db

import "flag"

// Each try at random opens a database of its own. The command line goes before this.
func init() { _ = flag.Set("rapid.checks", "30") }
