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

// storeOneHeld stores an answer. One whose tenant is not here waits; one that the database refuses for good is set aside.
func storeOneHeld(ctx context.Context, store *db.DB, held reserve.Held, log *slog.Logger) error {
	log = log.With("order", held.OrderKey, "release", held.Release, "answer", held.Answer.String())
	as, err := store.StoreHeld(ctx, held.HeldAnswer)
	if ctx.Err() != nil {
		return ctx.Err() // the next start stores it
	}
	if packaging.CodeOf(err) == packaging.NotFound {
		log.Error(
			"an answer that was kept waits for its site, which is not here: each start tries again", "site", held.Slug,
		)
		return nil
	}
	if refused(err) {
		log.Error("an answer that was kept is refused by the database, its outcome becomes unknown", "err", err)
		stands := held.HeldAnswer
		stands.Answer = release.NotStored(held.Answer)
		as, err = store.StoreHeld(ctx, stands)
	}
	if refused(err) {
		file, aside := held.SetAside()
		log.Error("an answer that was kept can't be stored: it is set aside", "file", file, "err", err)
		return aside
	}
	if err != nil {
		return err
	}
	if as == packaging.HeldByItself {
		log.Error("an answer that was kept belongs to no release with certainty: its order's page has it")
	} else {
		log.Info("an answer that was kept over the stop is stored", "as", as)
	}
	held.Free()
	return nil
}

// refused reports whether the database will never take what it failed to take with an error.
func refused(err error) bool {
	return err != nil && packaging.CodeOf(err) != packaging.Unavailable
}
