package live_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/live"
)

func subscribe(t *testing.T, h *live.Hub, topics ...string) *live.Subscriber {
	t.Helper()
	s, err := h.Subscribe(topics...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestASubscriberIsToldTheVersionsThatAreThereAndThenWhatChanges(t *testing.T) {
	h := live.NewHub(100)
	h.Publish("a")
	s := subscribe(t, h, "a", "b")
	<-s.Changed()
	if diff := cmp.Diff([]live.News{{Topic: "b", Version: 100}, {Topic: "a", Version: 101}}, s.Take()); diff != "" {
		t.Errorf("at first:\n%s", diff)
	}
	h.Publish("a", "c")
	h.Publish("b")
	h.Publish("a")
	<-s.Changed()
	if diff := cmp.Diff([]live.News{{Topic: "b", Version: 103}, {Topic: "a", Version: 104}}, s.Take()); diff != "" {
		t.Errorf("then:\n%s", diff)
	}
	if now := h.Version("a", "c"); now != 104 || h.Version("c") != 102 || h.Now() != 104 {
		t.Errorf("versions: %d, %d of %d", now, h.Version("c"), h.Now())
	}
}

func TestWhoDoesNotListenNeedsNoMoreRoomAndHoldsNobodyUp(t *testing.T) {
	h := live.NewHub(0)
	slow, fast := subscribe(t, h, "a"), subscribe(t, h, "a")
	for range 100_000 {
		h.Publish("a")
	}
	for _, s := range []*live.Subscriber{slow, fast} {
		<-s.Changed()
		if diff := cmp.Diff([]live.News{{Topic: "a", Version: 100_000}}, s.Take()); diff != "" {
			t.Error(diff)
		}
	}
}

// A hub remembers so many topics. Of one that it has forgotten it may say a version that is too new, and never one too
// old.
func TestAForgottenTopicIsNeverTooOld(t *testing.T) {
	h := live.NewHub(0)
	h.Publish("a")
	was := h.Version("a")
	for i := range 20_000 {
		h.Publish(fmt.Sprint(i))
		if now := h.Version("a"); now < was {
			t.Fatalf("after %d others: version %d, it was %d", i, now, was)
		}
	}
	h.Publish("a")
	if h.Version("a") != h.Now() {
		t.Errorf("version %d of %d", h.Version("a"), h.Now())
	}
}

func TestAHubThatIsClosedEndsItsSubscribersAndTakesNoMore(t *testing.T) {
	h := live.NewHub(0)
	s := subscribe(t, h, "a")
	h.Close()
	h.Close()
	<-s.Ended()
	if _, err := h.Subscribe("a"); !errors.Is(err, live.ErrClosed) {
		t.Errorf("subscribing: %v", err)
	}
}

func TestAHubTakesSoManySubscribersAndOthersWhenSomeHaveGone(t *testing.T) {
	h := live.NewHub(0)
	var all []*live.Subscriber
	for range live.MaxSubscribers {
		all = append(all, subscribe(t, h, "a"))
	}
	if _, err := h.Subscribe("a"); !errors.Is(err, live.ErrFull) {
		t.Errorf("one more: %v", err)
	}
	all[0].Close()
	all[0].Close()
	subscribe(t, h, "a")
	if n := h.Subscribers(); n != live.MaxSubscribers {
		t.Errorf("%d subscribers", n)
	}
	if _, err := h.Subscribe(make([]string, live.MaxTopics+1)...); err == nil {
		t.Error("any number of topics is taken")
	}
}

func TestManyMayPublishSubscribeAndTakeAtOnce(t *testing.T) {
	h := live.NewHub(0)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			topic := fmt.Sprint(i % 2)
			s, err := h.Subscribe(topic)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for range 200 {
				h.Publish(topic)
				<-s.Changed()
				s.Take()
			}
		})
	}
	all.Wait()
	if n := h.Subscribers(); n != 0 {
		t.Errorf("%d subscribers are left", n)
	}
}
