package packaging

import "time"

// WriterTurn is whose turn it is at the one writer: what comes first here comes first there.
type WriterTurn int

// The turns.
const (
	ReleaseTurn    WriterTurn = iota // presses of release, and their outcomes
	PersonTurn                       // what else people do
	BackgroundTurn                   // what nobody waits for, and what takes long
	WriterTurns    = iota            // how many there are
)

// WriterTimes is how long the transactions of one kind waited for the writer and held it, since the program started.
type WriterTimes struct {
	Turn         WriterTurn
	Transactions int64
	Waited, Held Spread
	Waits, Holds Histogram
}

// Histogram counts times by the bound that they are within. The last count is of those above all bounds.
type Histogram struct {
	Bounds []time.Duration
	Counts []int64
	Sum    time.Duration
}

// Spread is how a time spreads: 99 of 100 are within one bound.
type Spread struct{ Most, Longest time.Duration }
