// Package cost is what a password hash costs. It stands apart so that cheaphash can change it, and nothing else can.
package cost

import "sync/atomic"

// Passes and Memory (KiB) of argon2id: the recommendation of OWASP for one lane.
var (
	Passes uint32 = 2
	Memory uint32 = 19 * 1024
)

// Spent is what all hashes since the start took: passes times memory of each. Tests see by it that an answer takes as
// much whoever exists.
var Spent atomic.Uint64
