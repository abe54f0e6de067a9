package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// check checks what must hold whenever nothing is running.
func (m *model) check() {
	for _, problem := range m.read() {
		m.rt.Error(problem)
	}
	unknown := map[packaging.OrderID]bool{}
	for _, o := range m.orders {
		now := m.cached(o)
		if now.Release != nil && now.Release.Outcome == packaging.Unknown && !now.Release.IsClosed() {
			unknown[o.id] = true
		}
		told := func(format string, args ...any) { m.rt.Errorf("%s: %s", o.key, fmt.Sprintf(format, args...)) }
		m.checkTries(o, now, told)
		m.checkStatus(o, now, told)
		if now.Revision != o.checked { // it grows with every change of what is shown
			m.checkSerials(o, now, told)
			m.checkPage(o, now, told)
			o.checked = now.Revision
		}
	}
	m.checkCounts(unknown)
	if m.rt.Failed() {
		m.rt.FailNow()
	}
}

// tries are the releases of an order that somebody pressed, as the history has them, with the calls that each sent.
func (m *model) triesOf(o *order) []*releaseRow {
	var rows []*releaseRow
	for _, e := range m.story[o.key] {
		switch e.Deed {
		case packaging.ReleaseRequested:
			rows = append(
				rows,
				&releaseRow{
					id: int64(e.ReleaseID), order: o.key, user: e.By.Username, requested: e.At,
					outcome: packaging.Sending,
				},
			)
		case packaging.ReleaseReopened:
			for _, r := range rows {
				if r.id == int64(e.ReleaseID) {
					r.outcome, r.reason, r.proof = packaging.Unknown, packaging.StatusContradicts, packaging.NoProof
				}
			}
		case packaging.ReleaseEnded, packaging.ReleaseSettled:
			for _, r := range rows {
				if r.id != int64(e.ReleaseID) {
					continue
				}
				r.outcome, r.reason, r.received, r.proof = stands(
					e.Outcome,
				), packaging.Reason(e.Reason), e.Serials, packaging.ByAnswer
				if e.Deed == packaging.ReleaseSettled {
					r.proof = packaging.ByStatus
				}
				if r.reason == packaging.ByWord {
					r.proof = packaging.ByPerson
				}
			}
		}
		for _, r := range rows {
			if r.id == int64(e.ReleaseID) && e.Deed != packaging.ListAdded && e.Deed != packaging.ListOdd {
				r.entries = append(r.entries, e)
			}
		}
	}
	for _, p := range m.remote.of(o.key) {
		var of *releaseRow
		for _, r := range rows {
			if !p.arrived.Before(r.requested) {
				of = r
			}
		}
		if of == nil {
			m.rt.Errorf("%s: a call arrived at %v without a claim", o.key, p.arrived)
			continue
		}
		of.patches = append(of.patches, p)
	}
	return rows
}

// checkTries: each press that was taken is a release, each release has sent at most one call that may have been carried
// out, and no release says what its call belies.
func (m *model) checkTries(o *order, now packaging.Order, told func(string, ...any)) {
	tries := m.triesOf(o)
	var by []string
	standing := 0 // before a later one
	for i, r := range tries {
		by = append(by, r.user)
		if i < len(tries)-1 && r.outcome != packaging.Refused {
			standing++
		}
		if i < len(tries)-1 && r.outcome != packaging.Released && r.outcome != packaging.Refused {
			told("release %d is %s, and there is a later one", r.id, r.outcome)
		}
		m.checkTry(o, r, told)
	}
	if standing > o.agains {
		told("%d releases of it stand beside a later one, and it was released once more %d times", standing, o.agains)
	}
	slices.Sort(by)
	if want := slices.Sorted(slices.Values(o.tries)); !slices.Equal(by, want) {
		told("the history has releases by %q, want %q", by, want)
	}
	if n := len(m.remote.carried(o.key)); n > 1+o.backs {
		told("carried out %d times, and it went back %d times", n, o.backs)
	}
	r := now.Release
	switch {
	case o.elsewhere:
		if r == nil || r.Outcome != packaging.Released || r.Proof != packaging.ByPerson {
			told("a person added its list, but its release is %+v", r)
		}
	case len(tries) == 0 && r != nil:
		told("nobody pressed it, but it has a release: %+v", r)
	case len(tries) > 0:
		last := tries[len(tries)-1]
		if r == nil || int64(r.ID) != last.id || r.Outcome != last.outcome || r.By.Username != last.user ||
			r.Requested.UnixMilli() != last.requested.UnixMilli() {
			told("its release is %+v, by the history %+v", r, last)
		} else if r.Outcome != packaging.Unknown && r.Proof != last.proof {
			told("its release is %s with proof %q, by the history %q", r.Outcome, r.Proof, last.proof)
		}
	}
}

func (m *model) checkTry(o *order, r *releaseRow, told func(string, ...any)) {
	sent := slices.DeleteFunc(slices.Clone(r.patches), func(p patch) bool { return p.rejected })
	done := slices.ContainsFunc(sent, func(p patch) bool { return p.done })
	atIt := slices.ContainsFunc(sent, func(p patch) bool { return p.ended.IsZero() })
	if len(sent) > 1 || len(r.patches) > 2 {
		told("release %d was sent %d times, %d of them with a token that was accepted", r.id, len(r.patches), len(sent))
	}
	switch {
	case r.outcome == packaging.Sending:
		told("release %d is still being sent", r.id)
	// which a status contradicts where it is wrong
	case r.reason == packaging.StillPending, r.reason == packaging.ByWord:
	case r.outcome == packaging.Refused && done:
		told("release %d is refused (%s), but was carried out", r.id, r.reason)
	case r.outcome == packaging.Refused && atIt:
		told("release %d is refused (%s), but may still be carried out", r.id, r.reason)
	case r.outcome == packaging.Released && !done && (r.proof == packaging.ByAnswer || r.proof == packaging.ByStatus &&
		!m.wasOut(o)):
		told("release %d is released (proof %q), but was not carried out", r.id, r.proof)
	}
	if said := storyOf(r); said != "" && r.outcome != packaging.Sending {
		told("release %d: %s", r.id, said)
	}
}

// checkStatus: the cache does not fall behind what is proven.
func (m *model) checkStatus(o *order, now packaging.Order, told func(string, ...any)) {
	out := now.Status == packaging.InProgress || now.Status == packaging.Suspended || now.Status == packaging.Done
	waits := now.Status == packaging.PendingRelease || now.Status == packaging.Open
	truth, _ := m.remote.box.Order(o.key)
	switch {
	case now.Release != nil && now.Release.Says() == packaging.Released && waits && o.backs == 0:
		told("it is released, and in status %q", now.Status)
	case out && o.backs == 0 && (truth.Status == sandbox.PendingRelease || truth.Status == sandbox.Open):
		told("its status is %q, at the sandbox %q", now.Status, truth.Status)
	case now.Gone:
		told("it is gone")
	}
}

// checkSerials: a list is the one that came, or that a person gave, in its order; or there is none.
func (m *model) checkSerials(o *order, now packaging.Order, told func(string, ...any)) {
	list, err := m.Store.Serials(context.Background(), packaging.Everything(now.TenantID), now.List(), 0, 1000)
	if err != nil {
		m.rt.Fatal(err)
	}
	var got, want []string
	for i, s := range list {
		got = append(got, s.Value)
		if s.Seq != int64(i+1) {
			told("serial %d has place %d", i+1, s.Seq)
		}
	}
	from := packaging.NoList
	if r := now.Release; r != nil {
		from = r.List
		if r.Serials != int64(len(got)) {
			told("its release says %d serials, there are %d", r.Serials, len(got))
		}
	}
	switch from {
	case packaging.ListInAnswer:
		want = m.answered(o)
	case packaging.ListInDetails: // one that is out, whoever released it: details do not say of which release a list is
		want = m.carried(o.key)
		for _, list := range m.remote.carried(o.key) {
			if slices.Equal(list, got) {
				want = list
			}
		}
	case packaging.ListByPerson:
		want = o.given
	}
	if r := now.Release; r != nil && r.Round > 0 && r.Outcome == packaging.Refused {
		m.checkListBefore(o, told)
	} else {
		m.checkDownload(o, from, got, told)
	}
	if !slices.Equal(got, want) || from == packaging.NoList && o.given != nil {
		told("its serials (%q) are %q, want %q", from, got, want)
	}
}

// answered is the list that came of the latest press that reached the other side.
func (m *model) answered(o *order) []string {
	tries := m.triesOf(o)
	for _, p := range tries[len(tries)-1].patches {
		if p.done {
			return p.serials
		}
	}
	return nil
}

// checkListBefore: where the latest of several releases was refused, a program gets the list of the one before.
func (m *model) checkListBefore(o *order, told func(string, ...any)) {
	var got struct{ Serials []string }
	a := m.browsers[0].Get(o.path + "/serials.json")
	if a.Status == http.StatusConflict {
		return
	}
	err := json.Unmarshal([]byte(a.Body), &got)
	isOne := func(list []string) bool { return slices.Equal(list, got.Serials) }
	if err != nil || !slices.ContainsFunc(append(m.remote.carried(o.key), o.all...), isOne) {
		told("its download is %d %q, which is no list of it: %v", a.Status, got.Serials, err)
	}
}

// checkDownload: a program gets the list that is here, and never an empty one for a list that is not.
func (m *model) checkDownload(o *order, from packaging.ListSource, list []string, told func(string, ...any)) {
	a := m.browsers[0].Get(o.path + "/serials.json")
	if from == packaging.NoList {
		if a.Status != http.StatusConflict {
			told("its list is not here, and its download is answered with %d: %s", a.Status, a.Body)
		}
		return
	}
	var got struct{ Serials []string }
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != http.StatusOK ||
		!slices.Equal(got.Serials, list) {
		told("its download is %d %q, want %q, %v", a.Status, got.Serials, list, err)
	}
}

func containsAny(s string, some ...string) bool {
	return slices.ContainsFunc(some, func(one string) bool { return strings.Contains(s, one) })
}

// checkPage: the order's page tells the truth, and offers a release only where nothing stands in the way.
func (m *model) checkPage(o *order, now packaging.Order, told func(string, ...any)) {
	page := m.browsers[0].Get(o.path + "?arm=1")
	result, button := byOthers.ReplaceAllString(page.Text(".result"), ""), page.All(
		"form.execute button, form.arm button",
	)
	outcome := packaging.Refused
	if now.Release != nil {
		outcome = now.Release.Outcome
	}
	switch {
	case page.Status != 200:
		told("its page is answered with %d", page.Status)
	case outcome != packaging.Refused && len(button) > 0:
		told("its release is %s, and its page offers %q", outcome, button)
	case outcome != packaging.Refused && strings.Contains(result, "not released"):
		told("its release is %s, and its page says %q", outcome, result)
	case m.carried(o.key) != nil && len(o.tries) == 1 &&
		containsAny(byOthers.ReplaceAllString(page.Text("main"), ""), denials...):
		told("it was carried out, and its page says %q", page.Text("main"))
	case m.lastCarriedOut(o) && containsAny(result, denials...):
		told("its latest release was carried out, and its page says %q", result)
	case outcome == packaging.Unknown && !strings.Contains(result, "not known") && !now.Release.IsClosed():
		told("its release is unknown, and its page says %q", result)
	case outcome == packaging.Refused && now.Status == packaging.PendingRelease && !now.WasReleased() &&
		len(button) == 0:
		told("it can be released, and its page offers nothing")
	case now.AgainObstacle() == packaging.NoObstacle && len(page.All(`a[href*="again=1"]`)) == 0:
		told("it can be released once more, and its page does not offer that")
	}
	m.checkDenials(o, told)
	m.checkClaims(o, now, page, told)
}

// denials are sentences that must not be said of what was carried out.
var denials = []string{
	"was not released.", "not carried out", "not released from here", "No release of it from here",
	"no list of it exists",
}

// byOthers is what a person says, on pages that say that it is theirs.
var byOthers = regexp.MustCompile(`Person \S+ says that \S+ was not released\.`)

// lastCarriedOut says whether the latest press was carried out.
func (m *model) lastCarriedOut(o *order) bool {
	return len(o.tries) > 0 && !o.elsewhere && m.answered(o) != nil
}

// checkClaims: no page, export or report says of an order that nobody brought out that it was released, and none names
// a refusal of what was carried out. What a person says is said as theirs.
func (m *model) checkClaims(o *order, now packaging.Order, page site.Answer, told func(string, ...any)) {
	if len(o.tries) == 0 {
		return
	}
	export := m.browsers[0].Get("/history.csv?order=" + o.key).Body
	words := strings.FieldsFunc(export, func(r rune) bool { return r == ',' || r == '\n' })
	var reported []packaging.Outcome
	for _, r := range m.triesOf(o) {
		report, err := m.Store.ShiftReport(
			context.Background(), m.people[0].Scope(),
			packaging.Occurrence{Begin: r.requested, Until: r.requested.Add(time.Millisecond)},
		)
		if err != nil {
			m.rt.Fatal(err)
		}
		for _, one := range report.Releases {
			if one.OrderKey == o.key && !one.Elsewhere() {
				reported = append(reported, one.Says())
			}
		}
	}
	isReleased := slices.Contains(reported, packaging.Released) || slices.Contains(words, string(packaging.Released))
	saysReleased := page.Text(".result-released") != "" && now.Release.SettledBy == ""
	switch {
	case len(reported) != len(o.tries):
		told("reports have %d releases of it, want %d", len(reported), len(o.tries))
	case !m.wasOut(o) && !o.elsewhere && o.all == nil && (isReleased || saysReleased):
		told("nobody brought it out, reports say %q, and the history says %s", reported, export)
	case m.carried(o.key) != nil && len(o.tries) == 1 && slices.Contains(reported, packaging.Refused):
		told("it was carried out, and reports say %q", reported)
	}
}

// checkDenials: neither the line's board nor the export of the history denies what the sandbox did with the only try.
func (m *model) checkDenials(o *order, told func(string, ...any)) {
	if m.carried(o.key) == nil || len(o.tries) != 1 {
		return
	}
	if board := byOthers.ReplaceAllString(
		m.browsers[0].Get("/lines/L1").Text("main"), "",
	); strings.Contains(board, o.key+" was not released.") {
		told("it was carried out, and the line's board says %q", board)
	}
	export := m.browsers[0].Get("/history.csv?order=" + o.key).Body
	if slices.Contains(strings.FieldsFunc(export, func(r rune) bool {
		return r == ',' ||
			r == '\n'
	}), string(packaging.Refused)) {
		told("it was carried out, and the history says %s", export)
	}
}

// checkCounts: what is unknown is asked about, and the overview counts it.
func (m *model) checkCounts(unknown map[packaging.OrderID]bool) {
	unsettled, err := m.Store.Unsettled(context.Background())
	if err != nil {
		m.rt.Fatal(err)
	}
	for _, o := range m.orders {
		if asked := slices.ContainsFunc(unsettled, func(u packaging.Order) bool {
			return u.ID == o.id
		}); asked != unknown[o.id] {
			m.rt.Errorf("%s: its release is unknown: %v; it is asked about: %v", o.key, unknown[o.id], asked)
		}
	}
	lanes, err := m.Store.Lanes(context.Background(), m.people[0].Scope())
	if err != nil {
		m.rt.Fatal(err)
	}
	var got packaging.LaneReleases
	for _, l := range lanes {
		got.Sending += l.Releases.Sending
		got.Unknown += l.Releases.Unknown
	}
	if got.Sending != 0 || got.Unknown != len(unsettled) {
		m.rt.Errorf(
			"the overview counts %d sending and %d unknown, want 0 and %d", got.Sending, got.Unknown, len(unsettled),
		)
	}
}
