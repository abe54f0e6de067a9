package e2e

import (
	"testing"
	"time"

	"lineboard/internal/packaging"
	kit "lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// A browser without cascade layers has no style, and scripts that do not start.
func TestATooOldBrowserReadsAndReleasesWithoutScriptsAndIsTold(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := newSite(t, nil)
	p := signedIn(t, s, "supervisor1", func(p person) { p.Lack("window.CSSLayerBlockRule") })
	p.visit("/")
	p.See("This browser is too old.")
	p.See("Chrome, Edge or Android WebView 99, Safari or iPadOS 15.4, or Firefox 97")
	p.Gone("s ago")
	p.open("Order143")
	p.release("Order143")
	p.Gone("No connection to the server")
	p.Click("See all 11 serial numbers")
	p.See("11 serial numbers")
}

// Firefox 97 has no modal dialogs.
func TestATabletWithoutModalDialogsLocks(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := kit.New(t, kit.Options{})
	p := tablet(t, s)
	p.Lack("HTMLDialogElement.prototype.showModal")
	p.choose("supervisor1")
	p.Type(supervisorsPIN + "\n")
	p.At("/lines/L1")
	p.open("Order143")
	p.Gone("Locked.")
	s.Clock.Move(packaging.DefaultRules.LockAfter + time.Second)
	p.wake()
	p.See("Locked. The page stays as it was")
	p.Gone("Blister line 1")
	p.Type(supervisorsPIN + "\n")
	p.Gone("Locked.")
	p.See("Blister line 1")
}
