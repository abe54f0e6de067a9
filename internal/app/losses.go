package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"lineboard/db"
	"lineboard/internal/anchors"
	"lineboard/internal/packaging"
)

// recordLosses compares the database with its anchors. What a restored database lacks it records, so that pages and
// histories tell of it. It fails if a whole tenant is gone, or if a history has other entries than its anchors know,
// unless the person who starts the program has accepted that as SLUG:ENTRY.
func recordLosses(ctx context.Context, store *db.DB, path string, accepted []string, log *slog.Logger) error {
	found, err := anchors.Compare(ctx, store, path)
	if err != nil {
		return err
	}
	all := found.Shorter
	for _, l := range found.NoTenant {
		what := fmt.Sprintf(
			"the anchors know %d entries of tenant %s, and the database does not have this tenant", l.Until, l.Slug,
		)
		if err := accept(&l, accepted, what); err != nil {
			return err
		}
		all = append(all, l)
	}
	for _, l := range found.Rewrote {
		what := fmt.Sprintf(
			"the history of tenant %s has other entries from %d to %d than its anchors know", l.Slug, l.From, l.Until,
		)
		if err := accept(&l, accepted, what); err != nil {
			return err
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil
	}
	if err := store.RecordLoss(ctx, all...); err != nil {
		return fmt.Errorf("a loss of the history can't be recorded: %w", err)
	}
	for _, l := range all {
		logLoss(l, log)
	}
	return nil
}

// accept notes that a person has accepted a loss, and fails with what is wrong if nobody has.
func accept(l *packaging.Loss, accepted []string, what string) error {
	name := fmt.Sprintf("%s:%d", l.Slug, l.Until)
	if l.Accepted = slices.Contains(accepted, name); l.Accepted {
		return nil
	}
	var releases strings.Builder
	printLost(&releases, *l)
	return fmt.Errorf(`%s.
%sPut the database back, or a backup of it (lineboard restore). If the anchors are of another Lineboard, name its own
file with --anchors. To start without what is lost, add --accept-lost-history=%s; the history will say so`,
		what, releases.String(), name)
}

func logLoss(l packaging.Loss, log *slog.Logger) {
	log.Error("the database is older than its anchors: a part of the history is lost",
		"tenant", l.Slug, "first", l.From, "last", l.Until, "releases", len(l.Releases), "accepted", l.Accepted)
	for _, r := range l.Releases {
		what := "a release was requested here and its record is lost"
		if r.OutcomeAlone() {
			what = "the record of how a release ended is lost"
		}
		log.Error(what, "tenant", l.Slug, "entry", r.Entry,
			"order", r.OrderKey, "line", r.LineCode, "at", r.At, "by", r.Username, "outcome", r.Known())
	}
}

// printLost prints the releases of a loss, a line each.
func printLost(w io.Writer, l packaging.Loss) {
	for _, r := range l.Releases {
		if r.OutcomeAlone() {
			fmt.Fprintf(w, "  entry %d: how a release of order %s on line %s ended%s\n",
				r.Entry, r.OrderKey, r.LineCode, ended(r))
			continue
		}
		fmt.Fprintf(w, "  entry %d: release of order %s on line %s, requested on %s by %s (%s)%s\n",
			r.Entry, r.OrderKey, r.LineCode, r.At.Format("2006-01-02 15:04:05 MST"), r.FullName, r.Username, ended(r))
	}
}

func ended(r packaging.LostRelease) string {
	if r.Known() == "" {
		return ", no outcome known"
	}
	return fmt.Sprintf(", %s with %d serial numbers", r.Known(), r.Serials)
}
