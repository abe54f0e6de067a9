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

// storeOneHeld stores an answer. One whose tenant is not here waits; one that the database refuses for good is set
// aside.
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
		return setAside(ctx, store, held, err, log)
	}
	if err != nil {
		return err
	}
	if as == packaging.HeldByItself {
		log.Error("it is not certain to which release an answer that was kept belongs: " +
			"the history has it, and its list is at its order")
	} else {
		log.Info("an answer that was kept over the stop is stored", "as", as)
	}
	held.Free()
	return nil
}

// setAside keeps an answer that the database refuses in a file of its own, and makes the outcome of its release
// unknown.
func setAside(ctx context.Context, store *db.DB, held reserve.Held, why error, log *slog.Logger) error {
	file, err := held.SetAside()
	log.Error("an answer that was kept is refused by the database: it is set aside, and its outcome becomes unknown",
		"file", file, "err", why)
	if err != nil {
		return err
	}
	stands := held.HeldAnswer
	stands.Answer = release.NotStored(held.Answer)
	if _, err := store.StoreHeld(ctx, stands); err != nil {
		log.Error("that the outcome is unknown can't be stored", "err", err)
	}
	return nil
}

// refused reports whether the database will never take what it failed to take with an error.
func refused(err error) bool {
	return err != nil && packaging.CodeOf(err) != packaging.Unavailable
}
