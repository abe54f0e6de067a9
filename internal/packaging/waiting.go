package packaging

import "time"

// Waiting is what waits at a site: serial lists for their destinations, alarms for their end, and messages about alarms
// for their recipients.
type Waiting struct {
	Lists         map[DeliveryState]int // of destinations in use, by the states that are open
	OldestList    time.Time             // since when one of them has been in its state; zero for none
	Alarms        int
	Messages      int
	OldestMessage time.Time // when it was made; zero for none
}
