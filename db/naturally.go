package db

import (
	"modernc.org/sqlite"

	"lineboard/internal/packaging"
)

// naturally is the collation of codes and names in lists for people. No table and no index has it, so that other
// programs can read the file.
const naturally = "naturally"

func init() { sqlite.MustRegisterCollationUtf8(naturally, packaging.Naturally) }
