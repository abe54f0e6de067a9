package soak

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
)

// compare gives everything in which the books differ, or in which one of them can't be true.
func (b *books) compare() []string {
	var problems []string
	note := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, said := range b.integrity {
		note("the database is broken: %s", said)
	}
	for _, problem := range chain(b.history) {
		note("history: %s", problem)
	}
	b.assign(note)
	b.checkPresses(note)
	carried := map[string][]sandbox.Released{}
	for _, c := range b.carried {
		carried[c.OrderID] = append(carried[c.OrderID], c)
	}
	for _, key := range b.keys {
		told := func(format string, args ...any) { note("order %s: %s", key, fmt.Sprintf(format, args...)) }
		for _, r := range b.releases[key] {
			b.checkRelease(r, told)
		}
		if len(carried[key]) > 1 {
			told("carried out %d times", len(carried[key]))
		}
		b.checkOrder(key, carried[key], told)
	}
	if has, got := b.listsInDetails(); has >= 5 && got == 0 {
		note("none of %d lost lists was taken from details, which have them", has)
	}
	return problems
}

// listsInDetails counts the releases that were settled by a status beside which details have the list, and how many of
// them got it. Where details fail, the list of open orders tells the status alone.
func (b *books) listsInDetails() (has, got int) {
	for _, r := range b.byID {
		if r.outcome != packaging.Released || r.proof != packaging.ByStatus || strings.HasSuffix(r.order, withoutList) {
			continue
		}
		has++
		if r.list == packaging.ListInDetails {
			got++
		}
	}
	return has, got
}

// chain says where a tenant's history, the oldest entry first, was changed or has a gap.
func chain(history []packaging.Entry) (problems []string) {
	last := map[packaging.TenantID]packaging.Entry{}
	for _, e := range history {
		before := last[e.TenantID]
		if e.Seq != before.Seq+1 || e.Prev != before.Hash {
			problems = append(problems, fmt.Sprintf("entry %d does not follow entry %d", e.Seq, before.Seq))
		}
		if e.Hash != e.Digest() {
			problems = append(problems, fmt.Sprintf("entry %d does not carry its digest", e.Seq))
		}
		if e.At.Before(before.At) {
			problems = append(problems, fmt.Sprintf("entry %d is older than the one before it", e.Seq))
		}
		last[e.TenantID] = e
	}
	return problems
}

// assign gives each release its entries of the history and the calls that it sent. Releases of an order follow one
// another, each settled before the next is claimed, so a call is the latest one's that was claimed before it arrived.
func (b *books) assign(note func(string, ...any)) {
	for _, e := range b.history {
		if e.ReleaseID == 0 {
			continue
		}
		r := b.byID[int64(e.ReleaseID)]
		if r == nil || r.order != e.OrderKey || int64(e.OrderID) != b.orders[r.order].id {
			note(
				"history: entry %d is of a release %d of %s that is not in the database", e.Seq, e.ReleaseID,
				e.OrderKey,
			)
			continue
		}
		r.entries = append(r.entries, e)
	}
	for _, p := range b.patches {
		var of *releaseRow
		for _, r := range b.releases[p.order] {
			if r.requested.UnixMilli() <= p.arrived.UnixMilli() {
				of = r
			}
		}
		if of == nil {
			note("order %s: a call of release arrived at %v without a claim in the database", p.order, p.arrived)
			continue
		}
		of.patches = append(of.patches, p)
	}
}

// checkPresses: what was answered as taken is in the database, whatever happened to the process then.
func (b *books) checkPresses(note func(string, ...any)) {
	used := map[int64]bool{}
	for _, p := range b.presses {
		if !p.taken {
			continue
		}
		found := slices.ContainsFunc(b.releases[p.order], func(r *releaseRow) bool {
			at := r.requested.UnixMilli()
			if used[r.id] || r.user != p.username || at < p.begun.UnixMilli() || at > p.ended.UnixMilli() {
				return false
			}
			used[r.id] = true
			return true
		})
		if !found {
			note("order %s: the press of %s at %v was taken, but there is no claim of it", p.order, p.username, p.begun)
		}
	}
}

// checkRelease compares a release with its entries in the history and with the calls that it sent.
func (b *books) checkRelease(r *releaseRow, told func(string, ...any)) {
	switch r.outcome {
	case packaging.Released, packaging.Refused:
	default:
		told("release %d is still %s", r.id, r.outcome)
	}
	sent := slices.DeleteFunc(slices.Clone(r.patches), func(p patch) bool { return p.rejected })
	if len(sent) > 1 || len(r.patches) > 2 {
		told("release %d was sent %d times, %d of them with a token that was accepted", r.id, len(r.patches), len(sent))
	}
	if said := storyOf(r); said != "" {
		told("release %d (%s, proof %q): %s", r.id, r.outcome, r.proof, said)
	}
	done := slices.ContainsFunc(sent, func(p patch) bool { return p.done })
	switch {
	case r.excused():
	case r.outcome == packaging.Refused && done:
		told("release %d is refused (%s), but its call was carried out", r.id, r.reason)
	case r.outcome == packaging.Released && !done:
		told("release %d is released, but its call was not carried out", r.id)
	}
}

// lost reports whether the record of a release was lost, and it stands for that.
func (r *releaseRow) lost() bool {
	return len(r.entries) > 0 && r.entries[0].Deed == packaging.ReleaseLost
}

// excused says that the stand-in broke its own promise, because the machine was too slow: a call that had arrived in
// time was carried out after the doubt about it had ended. Nothing can be said about the program then.
func (r *releaseRow) excused() bool {
	return slices.ContainsFunc(r.patches, func(p patch) bool {
		return p.done && p.arrived.Before(r.answered.Add(doubt/4)) && p.ended.Sub(r.answered) >= doubt
	})
}

// stands returns the outcome that a release has in the database where the history has that one.
func stands(said packaging.Outcome) packaging.Outcome {
	switch said {
	case packaging.SaidPending, packaging.SaidNotReleased:
		return packaging.Refused
	case packaging.SaidReleased:
		return packaging.Released
	case packaging.NotKnowable:
		return packaging.Unknown
	}
	return said
}

// besides are what the history says of a release beside its steps.
var besides = []packaging.Deed{
	packaging.ReleaseUncopied, packaging.ReleaseAsked, packaging.ListOdd, packaging.ListAdded, packaging.ListTaken,
	packaging.ResultAcknowledged,
}

// storyOf says where the history of a release is not: requested, then how its call ended, then how an unknown outcome
// was settled, once, but for what a status contradicted and for what a person said cannot be known.
func storyOf(r *releaseRow) string {
	steps := slices.DeleteFunc(slices.Clone(r.entries), func(e packaging.Entry) bool {
		return slices.Contains(besides, e.Deed)
	})
	received := int64(0)
	for _, e := range r.entries {
		if e.Deed != packaging.ListOdd && e.Deed != packaging.ListTaken {
			received += e.Serials
		}
	}
	outcome := packaging.Outcome("")
	var deeds []packaging.Deed
	for _, e := range steps {
		deeds = append(deeds, e.Deed)
		before := outcome
		open := before == packaging.Unknown || before == packaging.NotKnowable
		fits := false
		switch outcome = e.Outcome; e.Deed {
		case packaging.ReleaseRequested:
			outcome, fits = packaging.Sending, before == ""
		case packaging.ReleaseLost: // its record was, or its outcome: one stands for it, unless another does
			fits = true
			if outcome = packaging.Unknown; before != "" && before != packaging.Sending {
				outcome = before
			}
		case packaging.ReleaseEnded:
			fits = before == packaging.Sending
		case packaging.ReleaseSettled:
			fits = open
		case packaging.ReleaseReopened:
			fits = before != packaging.Sending && before != packaging.Unknown
		}
		if !fits {
			return fmt.Sprintf("the history has %q, the last of them after %q", deeds, before)
		}
	}
	if len(steps) < 2 && !r.lost() {
		return fmt.Sprintf("the history has %q", deeds)
	}
	requested, last := steps[0], steps[len(steps)-1]
	switch {
	case !r.lost() && (requested.At.UnixMilli() != r.requested.UnixMilli() || requested.By.Username != r.user):
		return fmt.Sprintf(
			"requested by %s at %v, in the history by %s at %v", r.user, r.requested, requested.By.Username,
			requested.At,
		)
	case r.proof == packaging.ByStatus && last.Deed != packaging.ReleaseSettled:
		return fmt.Sprintf("settled by status, though the history ends with %s", last.Deed)
	case stands(last.Outcome) != r.outcome, r.outcome == packaging.Refused &&
		last.Reason != string(r.reason), received != r.received:
		return fmt.Sprintf("the history has it %s (%s) with %d serials", last.Outcome, last.Reason, last.Serials)
	}
	return ""
}

// checkOrder compares an order with what was carried out of it.
func (b *books) checkOrder(key string, carried []sandbox.Released, told func(string, ...any)) {
	o, known := b.orders[key]
	if !known || o.gone {
		told("it is not in the database, or gone")
		return
	}
	releases := b.releases[key]
	if len(releases) > 0 && releases[len(releases)-1].id != o.last {
		told("its latest release is %d, it says %d", releases[len(releases)-1].id, o.last)
	}
	if slices.ContainsFunc(releases, (*releaseRow).excused) {
		return
	}
	if want := b.sandbox[key].Status; o.status != want {
		told("its status is %q, at the sandbox %q", o.status, want)
	}
	var standing []*releaseRow
	for _, r := range releases {
		if r.outcome != packaging.Refused {
			standing = append(standing, r)
		}
	}
	switch {
	case len(standing) > 1:
		told("%d releases of it stand", len(standing))
	case len(carried) == 0 && len(standing) > 0:
		told("release %d is %s, but nothing was carried out", standing[0].id, standing[0].outcome)
	case len(carried) > 0 && len(standing) == 0:
		told("carried out, but none of its %d releases says so", len(releases))
	case len(carried) > 0:
		b.checkList(o, standing[0], carried[0].Serials, told)
	case len(b.serials[o.id]) > 0:
		told("it has serials, but was not carried out")
	}
}

// checkList: a list is the sandbox's, in its order, or it is missing and said to be.
func (b *books) checkList(o orderRow, r *releaseRow, want []string, told func(string, ...any)) {
	got := b.serials[o.id]
	if r.received != int64(len(got)) {
		told("release %d says %d serials, there are %d", r.id, r.received, len(got))
	}
	switch {
	case r.list == packaging.NoList && r.proof == packaging.ByStatus:
		if len(got) > 0 {
			told("its list is missing, but there are %d serials", len(got))
		}
	case r.list == packaging.ListInAnswer && r.proof == packaging.ByAnswer, r.list == packaging.ListInDetails &&
		r.proof == packaging.ByStatus:
		if !slices.Equal(got, want) || r.oddities != "[]" {
			told("its serials are not the sandbox's, in their order: %q, want %q, odd: %s", got, want, r.oddities)
		}
	default:
		told("release %d has a list from %q with proof %q", r.id, r.list, r.proof)
	}
}

// counts is what came of it all.
func (b *books) counts() string {
	n := map[string]int{}
	for _, r := range b.byID {
		n[string(r.outcome)+" "+string(r.proof)]++
		if r.outcome == packaging.Released && r.list == packaging.NoList {
			n["missing"]++
		}
		if r.excused() {
			n["excused"]++
		}
	}
	lates := 0
	for _, p := range b.patches {
		if p.ended.Sub(p.arrived) > 100*time.Millisecond {
			lates++
		}
	}
	return fmt.Sprintf("%d orders, %d carried out, %d presses, %d releases: %d released by answer, %d by status (%d with their list missing), "+
		"%d refused by answer, %d by status; %d calls, %d of them carried out late, %d excused",
		len(b.keys), len(b.carried), len(b.presses), len(b.byID), n["released answer"], n["released status"],
		n["missing"],
		n["refused answer"], n["refused status"], len(b.patches), lates, n["excused"])
}
