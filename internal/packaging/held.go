package packaging

import "time"

// HeldAnswer is an answer to a release that was kept outside the database, which could not take it.
type HeldAnswer struct {
	Tenant    TenantID
	Slug      string // of the tenant; empty where an earlier Lineboard kept the answer
	Order     OrderID
	OrderKey  string
	Release   ReleaseID
	Requested time.Time
	Answer    Answer
}

// HeldAs is what became of a held answer once the database could take it.
type HeldAs string

// What became of it.
const (
	HeldStored   HeldAs = "stored"    // with its release, or with the one that stands for it
	HeldKnown    HeldAs = "known"     // what it says is here already
	HeldByItself HeldAs = "by itself" // it is not certain which release it is to, or that release is settled otherwise
)

// KeptAnswerID names an answer that is kept by itself.
type KeptAnswerID int64

// KeptAnswer is an answer that is kept by itself: a person decides where it belongs, or that it needs nobody any more.
type KeptAnswer struct {
	ID        KeptAnswerID
	OrderID   OrderID // 0 while the order is not here
	OrderKey  string
	Requested time.Time // when the release was requested
	Came      time.Time // when the answer came
	Outcome   Outcome   // that it tells
	Message   string    // the API's own words
	Count     int64     // of its serial numbers
}

// HasList says that a list came with the answer, which a person can add.
func (k KeptAnswer) HasList() bool { return k.Outcome == Released }
