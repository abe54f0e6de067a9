package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lineboard/internal/reserve"
	"lineboard/internal/secret"
)

type rotateKey struct {
	Data    string `default:"lineboard-data" placeholder:"DIR" help:"Folder of the database and its key."`
	Anchors string `placeholder:"FILE" help:"File of the history's anchors (default: anchors.log in the data folder)."`
}

// Run changes the key. Wherever it is cut off, the next start finds the key that fits. The next key is on disk before
// the database is sealed with it. The old one stays until that is committed.
func (r *rotateKey) Run(p run) (err error) {
	key := filepath.Join(r.Data, keyFile)
	if _, err := os.Stat(filepath.Join(r.Data, databaseFile)); err != nil {
		return fmt.Errorf("there is no data of Lineboard in %s: %w", r.Data, err)
	}
	store, err := openData(p, r.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := checkKey(p, store); err != nil {
		return err
	}
	held, err := reserve.Open(reserveFolder(anchorsPath(r.Anchors, r.Data)), store.Box())
	if err != nil {
		return err
	}
	if len(held.Held()) > 0 {
		return errors.New(
			"answers of the API wait to be stored: start Lineboard once, which stores them, and then change the key",
		)
	}
	next, err := secret.CreateKeyFile(key + nextKey)
	if err != nil {
		return err
	}
	if err := store.Rotate(p, next); err != nil {
		return err
	}
	if err := secret.ReplaceKeyFile(key, key+nextKey); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "The credentials are sealed with a new key, in %s. Back it up.\n", key)
	fmt.Fprintln(p.Stdout, "The old key opens nothing but older backups of the database.")
	return nil
}
