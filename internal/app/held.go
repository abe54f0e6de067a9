package app

import (
	"context"
	"fmt"
	"log/slog"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/release"
	"lineboard/internal/reserve"
)

// reserveFolder returns where answers are kept that the database can't take.
func reserveFolder(anchorsFile string) string { return anchorsFile + ".reserve" }

// openReserve opens the reserve beside the anchors: answers that the database can't take are kept there.
func openReserve(store *db.DB, anchorsFile string, log *slog.Logger) (*reserve.Reserve, error) {
	r, err := reserve.Open(reserveFolder(anchorsFile), store.Box())
	if err != nil {
		return nil, fmt.Errorf(
			"the reserve for answers can't be used (it is beside the anchors, see --anchors): %w", err,
		)
	}
	for _, err := range r.Unreadable() {
		log.Error("an answer that was kept can't be read", "err", err)
	}
	return r, nil
}

// storeHeld stores the answers that an earlier process kept. It fails if the database is unavailable.
func storeHeld(ctx context.Context, store *db.DB, answers []reserve.Held, log *slog.Logger) error {
	for _, held := range answers {
		if err := storeOneHeld(ctx, store, held, log); err != nil {
			return fmt.Errorf("an answer to a release of order %s is kept and can't be stored: %w", held.OrderKey, err)
		}
	}
	return nil
}

// storeOneHeld stores an answer. It sets it aside if the release is not as it was when the answer came, or if the
// database refuses it for good.
func storeOneHeld(ctx context.Context, store *db.DB, held reserve.Held, log *slog.Logger) error {
	log = log.With("order", held.OrderKey, "release", held.Release, "answer", held.Answer.String())
	o, err := store.Order(ctx, packaging.Everything(held.Tenant), held.Order)
	if err != nil && packaging.CodeOf(err) != packaging.NotFound {
		return err
	}
	known := err == nil && o.Key == held.OrderKey && o.Release != nil && o.Release.ID == held.Release &&
		o.Release.Requested.Equal(held.Requested)
	if known && o.Release.Outcome == held.Answer.Outcome { // it was stored just before the stop
		held.Free()
		return nil
	}
	if known && o.Release.Outcome == packaging.Sending {
		_, err := store.Settle(ctx, o, held.Answer)
		if err != nil && packaging.CodeOf(err) != packaging.Unavailable {
			log.Error("an answer that was kept is refused by the database, its outcome becomes unknown", "err", err)
			_, err = store.Settle(ctx, o, release.NotStored(held.Answer))
		}
		switch {
		case err == nil:
			log.Info("an answer that was kept over the stop is stored")
			held.Free()
			return nil
		case packaging.CodeOf(err) == packaging.Unavailable:
			return err
		}
	}
	file, err := held.SetAside()
	log.Error("an answer that was kept can't be stored with its release: it is set aside", "file", file)
	return err
}
