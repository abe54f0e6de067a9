package replica

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"lineboard/internal/packaging"
)

// Names at the copy's place.
const (
	epochsFolder = "epochs"
	numberForm   = "%06d"
)

func epochName(number int64) string { return path.Join(epochsFolder, fmt.Sprintf(numberForm, number)) }

// EpochFolder returns the folder of all that is copied in an epoch.
func EpochFolder(number int64) string { return fmt.Sprintf(numberForm, number) }

// DatabaseFolder returns the folder that Litestream writes to in an epoch. Two that wrote to one could make it
// unusable.
func DatabaseFolder(number int64) string { return path.Join(EpochFolder(number), "db") }

// Latest returns the latest epoch at a place, one with number 0 if there is none.
func Latest(ctx context.Context, place Place) (latest packaging.Epoch, err error) {
	names, err := place.List(ctx, epochsFolder)
	if err != nil {
		return latest, err
	}
	for _, name := range names {
		if n, err := strconv.ParseInt(name, 10, 64); err == nil && n > latest.Number {
			latest.Number = n
		}
	}
	if latest.Number == 0 {
		return latest, nil
	}
	return epochAt(ctx, place, latest.Number)
}

// epochAt returns an epoch. One whose file was not written whole is there too: it was begun by an unknown machine.
func epochAt(ctx context.Context, place Place, number int64) (packaging.Epoch, error) {
	raw, err := place.Get(ctx, epochName(number))
	if err != nil {
		return packaging.Epoch{}, err
	}
	var e packaging.Epoch
	if json.Unmarshal(raw, &e) != nil {
		e = packaging.Epoch{Host: "?"}
	}
	e.Number = number
	return e, nil
}

// Own is what a data folder knows of its epoch. It never travels with the database.
type Own struct {
	packaging.Epoch
	Begun bool  `json:"begun"`          // the epoch is known to be at the place
	From  int64 `json:"from,omitempty"` // the epoch whose copy must be restored before anything is served; 0 for none
}

// ReadOwn reads what a data folder knows of its epoch, number 0 if it has none.
func ReadOwn(file string) (own Own, err error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return own, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &own)
	}
	if err != nil {
		err = fmt.Errorf("%s can't be read: %w", file, err)
	}
	return own, err
}

// Write keeps it in the file.
func (o Own) Write(file string) error {
	raw, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	return folder{filepath.Dir(file)}.Put(context.Background(), filepath.Base(file), append(raw, '\n'))
}

// NewEpoch returns the epoch with a number for this machine. It is not begun yet.
func NewEpoch(number int64, now time.Time) packaging.Epoch {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return packaging.Epoch{Number: number, ID: rand.Text(), Host: host, Began: now.UTC().Truncate(time.Millisecond)}
}

// Begin begins an epoch at the place. It fails with [fs.ErrExist] if somebody else was first. To begin it twice is
// fine.
func Begin(ctx context.Context, place Place, e packaging.Epoch) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	err = place.Create(ctx, epochName(e.Number), raw)
	if errors.Is(err, fs.ErrExist) {
		if there, failed := epochAt(ctx, place, e.Number); failed == nil && there.ID == e.ID {
			return nil
		}
	}
	return err
}
