package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"lineboard/db"
	"lineboard/internal/secret"
)

// The files of a data folder. While the key changes, the next one lies beside it.
const (
	databaseFile = "lineboard.db"
	keyFile      = "lineboard.key"
	nextKey      = ".next"
	anchorsFile  = "anchors.log"
	defaultData  = "lineboard-data"
)

// anchorsPath returns the file of anchors that was named, or the one beside the database.
func anchorsPath(named, folder string) string {
	if named != "" {
		return named
	}
	return filepath.Join(folder, anchorsFile)
}

// openData opens the database in the folder with the key beside it, and makes both in a new folder. A change of the key
// that was cut off ends first. Its error says what a person can do.
func openData(ctx context.Context, folder string) (*db.DB, error) {
	return openDataAt(ctx, folder, time.Now)
}

// openDataAt opens the data as openData does, with another clock.
func openDataAt(ctx context.Context, folder string, now func() time.Time) (*db.DB, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder can't be made: %w", err)
	}
	path, key := filepath.Join(folder, databaseFile), filepath.Join(folder, keyFile)
	_, err := os.Stat(path)
	// A database without its key gets no new one: what is sealed in it would be lost in silence.
	box, err := secret.OpenKeyFile(key, errors.Is(err, os.ErrNotExist))
	if err != nil {
		return nil, err
	}
	store, err := db.Open(ctx, path, box, now)
	if err != nil {
		return nil, err
	}
	rotated, err := endRotation(ctx, store, key)
	if err != nil || rotated {
		err = errors.Join(err, store.Close())
	}
	if rotated && err == nil {
		return openDataAt(ctx, folder, now)
	}
	return store, err
}

// endRotation ends a change of the key that was cut off. If the database is sealed with the next key, that one takes
// the place of the old one, and the database must be opened again. If not, the next key goes.
func endRotation(ctx context.Context, store *db.DB, key string) (rotated bool, err error) {
	next, err := secret.OpenKeyFile(key+nextKey, false)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch done, err := store.RotatedTo(ctx, next); {
	case err != nil:
		return false, err
	case done:
		return true, secret.ReplaceKeyFile(key, key+nextKey)
	}
	return false, os.Remove(key + nextKey)
}

// checkKey fails unless the key at hand opens what is sealed in the database.
func checkKey(ctx context.Context, store *db.DB) error {
	err := store.CheckKey(ctx)
	if errors.Is(err, secret.ErrWrongKey) {
		return fmt.Errorf("%w. Put back the key file that belongs to this database", err)
	}
	return err
}
