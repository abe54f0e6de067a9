package app

import (
	"fmt"
	"path/filepath"
)

type backup struct {
	Data    string `default:"lineboard-data" placeholder:"DIR" help:"Folder of the database."`
	Anchors string `placeholder:"FILE" help:"File of the history's anchors (default: anchors.log in the data folder)."`
	To      string `required:"" placeholder:"FILE" help:"New file; the anchors are copied to FILE.anchors.log."`
}

// Run makes a backup.
func (b *backup) Run(p run) error {
	path := anchorsPath(b.Anchors, b.Data)
	if err := makeBackup(p, filepath.Join(b.Data, databaseFile), path, b.To); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "The database is in %s\n", b.To)
	fmt.Fprintf(p.Stdout, "The anchors of its history are in %s\n", b.To+ofAnchors)
	if sameDisk(filepath.Dir(b.To), b.Data) {
		fmt.Fprintln(p.Stdout, "Warning: the backup is on the disk of the database. Copy it to another one.")
	}
	fmt.Fprintf(p.Stdout, "The key is not in it. Keep %s apart from the backups.\n", filepath.Join(b.Data, keyFile))
	return nil
}
