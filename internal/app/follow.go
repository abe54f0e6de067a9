package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
)

type follow struct {
	replication
	Data       string `default:"lineboard-data" placeholder:"DIR" help:"Folder that promote puts the data into."`
	Litestream string `default:"litestream" placeholder:"PROGRAM" help:"Litestream's program, which follows the copy."`
}

// Run has Litestream bring a database beside the data folder's own up to the copy, all the time until ctx ends. A
// promotion then needs to fetch the last moments only.
func (f *follow) Run(r run) error {
	if f.CopyTo == "" {
		return errors.New("--copy-to must name the place of the copy")
	}
	place, err := f.patientPlace(nil)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath(f.Litestream); err != nil {
		return fmt.Errorf("the program of Litestream is not there (--litestream): %w", err)
	}
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return fmt.Errorf("the data folder can't be made: %w", err)
	}
	restorer, err := f.restorer(place, f.Data, f.Litestream)
	if err != nil {
		return err
	}
	return restorer.Follow(r, slog.New(slog.NewTextHandler(r.Stderr, nil)))
}
