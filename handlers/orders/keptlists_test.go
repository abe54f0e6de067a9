package orders

import (
	"testing"
	"testing/synctest"
	"time"
)

// A person may have a long list for each of several orders in their hands. None stays in memory for longer than the
// page says, whether or not anybody asks for it again.
func TestLongListsAreKeptForEachOrderAndForFifteenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k keptLists
		first, second := keptFor{person: 1, order: 1}, keptFor{person: 1, order: 2}
		names := map[keptFor]string{}
		for _, whose := range []keptFor{first, second} {
			names[whose] = k.keep(whose, "a list", time.Now())
		}
		is := func(when string, whose keptFor, want bool) {
			t.Helper()
			if _, ok := k.give(whose, names[whose], time.Now()); ok != want {
				t.Errorf("%s the list of order %d is kept: %t", when, whose.order, ok)
			}
		}
		is("after another one", first, true)
		k.drop(second)
		is("once it was added,", second, false)
		is("once another one was added,", first, true)
		time.Sleep(10 * time.Minute)
		names[first] = k.keep(first, "another list", time.Now())
		time.Sleep(10 * time.Minute)
		is("when the time of the one before is over,", first, true)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if len(k.all) != 0 {
			t.Errorf("%d lists are still in memory", len(k.all))
		}
	})
}
