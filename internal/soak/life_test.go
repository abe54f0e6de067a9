package soak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/manufacturer"
	"lineboard/internal/packaging"
	"lineboard/internal/release"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// life is a site that can end as a killed process does, and begin again on the same database file.
type life struct {
	*site.Site
	t        *testing.T
	remote   *remote
	mortal   *mortal
	people   []packaging.Person
	browsers []*site.Browser
	signedIn time.Time
	last     packaging.Entry // of the history, as last seen
	story    map[string][]packaging.Entry
}

// mortal is the store of a Releaser whose process is about to be killed: from then on no answer is stored.
type mortal struct {
	*db.DB
	mu   sync.RWMutex
	dead bool
	hit  chan struct{} // gets one for each answer that came too late
}

func (m *mortal) Settle(ctx context.Context, o packaging.Order, a packaging.Answer) (packaging.Release, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.dead {
		select {
		case m.hit <- struct{}{}:
		default:
		}
		return packaging.Release{}, errors.New("killed")
	}
	return m.DB.Settle(ctx, o, a)
}

func (m *mortal) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

// limits are short, since a call that is held costs the whole of them. They leave no time for a read to be tried again.
var limits = manufacturer.Limits{
	SignIn: 400 * time.Millisecond, Read: 400 * time.Millisecond, Release: 250 * time.Millisecond,
}

var people = []string{"supervisor1", "supervisor2"}

func newLife(t *testing.T, r *remote) *life {
	l := &life{t: t, remote: r, story: map[string][]packaging.Entry{}}
	l.Site = site.New(t, site.Options{
		Orders:   []sandbox.Order{},
		Limits:   limits,
		Handler:  func(*sandbox.Sandbox) http.Handler { return r },
		Releases: func(store *db.DB) release.Store { return l.newMortal(store) },
	})
	for _, username := range people {
		l.AddPerson(username)
		l.people = append(l.people, l.Person(username))
	}
	return l
}

// signIn opens the browsers of both people, unless they are open and far from the end of their sessions.
func (l *life) signIn() {
	if l.browsers != nil && l.Clock.Now().Sub(l.signedIn) < time.Hour {
		return
	}
	l.browsers, l.signedIn = nil, l.Clock.Now()
	for _, username := range people {
		l.browsers = append(l.browsers, l.SignIn(username))
	}
}

// newMortal returns the store of the releases of a new life.
func (l *life) newMortal(store *db.DB) *mortal {
	l.mortal = &mortal{DB: store, hit: make(chan struct{}, 1)}
	return l.mortal
}

// kill ends the life, whatever is under way, and begins the next one. Answers that come from now on are not stored.
func (l *life) kill() {
	l.t.Helper()
	l.mortal.die()
	l.Restart()
	for i, was := range l.browsers { // people keep theirs, with its session
		b := l.Browser()
		b.Client = was.Client
		l.browsers[i] = b
	}
}

// knows says whether an order is in the cache.
func (l *life) knows(key string) bool {
	l.t.Helper()
	page, err := l.Store.SearchOrders(
		context.Background(), l.people[0].Scope(), packaging.OrderFilter{Text: key, Limit: 1},
	)
	if err != nil {
		l.t.Fatal(err)
	}
	return len(page.Orders) == 1
}

// read takes in what the history has grown by, and says what is wrong with it.
func (l *life) read() (problems []string) {
	l.t.Helper()
	f := packaging.HistoryFilter{Limit: 6} // a step seldom adds more
	var grown []packaging.Entry            // the newest first, down to the one last seen
	for {
		page, err := l.Store.History(context.Background(), l.people[0].Scope(), f)
		if err != nil {
			l.t.Fatal(err)
		}
		grown = append(grown, page.Entries...)
		if f.Before = page.Next; page.Next == 0 || page.Next <= l.last.Seq {
			break
		}
	}
	if at := slices.IndexFunc(grown, func(e packaging.Entry) bool { return e.Seq == l.last.Seq }); at >= 0 {
		if grown[at].Hash != l.last.Hash {
			problems = append(problems, fmt.Sprintf("history: entry %d is not what it was", l.last.Seq))
		}
		grown = grown[:at]
	} else if l.last.Seq > 0 {
		problems = append(problems, fmt.Sprintf("history: entry %d is not there any more", l.last.Seq))
	}
	slices.Reverse(grown)
	for _, e := range grown {
		if e.Seq != l.last.Seq+1 || e.Prev != l.last.Hash || e.Hash != e.Digest() || e.At.Before(l.last.At) {
			problems = append(problems, fmt.Sprintf("history: entry %d does not follow entry %d", e.Seq, l.last.Seq))
		}
		l.last = e
		l.story[e.OrderKey] = append(l.story[e.OrderKey], e)
	}
	return problems
}

// wholeHistory is all of it, the oldest entry first.
func (l *life) wholeHistory() (all []packaging.Entry) {
	l.t.Helper()
	if err := l.Store.EachEntry(context.Background(), l.people[0].Scope(), packaging.HistoryFilter{},
		func(e packaging.Entry) error {
			all = append(all, e)
			return nil
		}); err != nil {
		l.t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}
