package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lineboard/db"
)

type backup struct {
	Data    string `default:"lineboard-data" placeholder:"DIR" help:"Folder of the database."`
	Anchors string `placeholder:"FILE" help:"File of the history's anchors (default: anchors.log in the data folder)."`
	To      string `required:"" placeholder:"FILE" help:"New file; the anchors are copied to FILE.anchors.log."`
}

// Run copies one state of the database, and then the anchors, which are as new or newer. The key stays where it is: a
// backup must not give its reader the credentials.
func (b *backup) Run(p run) error {
	if err := db.Backup(p, filepath.Join(b.Data, databaseFile), b.To); err != nil {
		return fmt.Errorf("no backup was made: %w", err)
	}
	fmt.Fprintf(p.Stdout, "The database is in %s\n", b.To)
	anchors, err := os.ReadFile(anchorsPath(b.Anchors, b.Data))
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("the file of anchors is not there, so it is not in the backup")
	}
	if err == nil {
		err = os.WriteFile(b.To+".anchors.log", anchors, 0o600)
	}
	if err != nil {
		return fmt.Errorf("the anchors are not in the backup: %w", err)
	}
	fmt.Fprintf(p.Stdout, "The anchors of its history are in %s.anchors.log\n", b.To)
	return nil
}
