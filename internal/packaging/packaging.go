// Package packaging is the domain of Lineboard: packaging orders, the lines that run them, releases to line, serial
// numbers, people and what they may do. It imports nothing of the project; every other room imports it.
//
// One word stands for one thing. "Release" is always release to line: the remote API also knows "release serials",
// which means the opposite (unused serials go back to the pool) and which Lineboard never calls.
package packaging

// Keys of our own. The vendor's key of an order is text and is called its order ID ([Order.Key]).
type (
	TenantID  int64
	LineID    int64
	OrderID   int64
	ReleaseID int64
	UserID    int64
)
