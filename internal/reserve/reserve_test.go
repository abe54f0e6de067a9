package reserve_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/reserve"
	"lineboard/internal/secret"
)

func open(t *testing.T, folder string) *reserve.Reserve {
	t.Helper()
	box, err := secret.NewBox(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	r, err := reserve.Open(folder, box)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var order = packaging.Order{
	ID: 7, TenantID: 1, Facts: packaging.Facts{Key: "Order143"},
	Release: &packaging.Release{ID: 9, Requested: time.UnixMilli(1_790_000_000_123).UTC()},
}

var ghent = packaging.Tenant{ID: 1, Slug: "ghent"}

func answer(serials int) packaging.Answer {
	a := packaging.Answer{Outcome: packaging.Released, HTTPStatus: 200}
	for i := range serials {
		a.Serials = append(a.Serials, fmt.Sprintf("SECRETSERIAL%08d", i))
	}
	return a
}

func TestAnAnswerIsThereWholeAfterARestartUntilItIsFreed(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "reserve")
	room, err := open(t, folder).Take(ghent)
	if err != nil {
		t.Fatal(err)
	}
	if err := room.Keep(order, answer(12_000)); err != nil {
		t.Fatal(err)
	}
	held := open(t, folder).Held()
	if len(held) != 1 || held[0].OrderKey != "Order143" || held[0].Slug != "ghent" || held[0].Release != 9 ||
		!held[0].Requested.Equal(order.Release.Requested) ||
		len(held[0].Answer.Serials) != 12_000 || held[0].Answer.Serials[11_999] != "SECRETSERIAL00011999" {
		t.Fatalf("%d held", len(held))
	}
	held[0].Free()
	if again := open(t, folder).Held(); len(again) != 0 {
		t.Errorf("%d held once freed", len(again))
	}
}

func TestAnAnswerThatWasCutOffWhileItWasWrittenIsNone(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "reserve")
	room, err := open(t, folder).Take(ghent)
	if err != nil {
		t.Fatal(err)
	}
	if err := room.Keep(order, answer(500)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "slot-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(whole, []byte("SECRETSERIAL")) {
			t.Error("a serial number stands in the file as it is")
		}
		if bytes.Equal(whole, make([]byte, len(whole))) {
			continue
		}
		for _, cut := range []int{1, 8, 20, 48, 60, 1000} { // what comes after was never written
			if err := os.WriteFile(
				file, append(bytes.Clone(whole[:cut]), make([]byte, len(whole)-cut)...), 0o600,
			); err != nil {
				t.Fatal(err)
			}
			again := open(t, folder)
			if held, unreadable := again.Held(), again.Unreadable(); len(held) != 0 || len(unreadable) != 0 {
				t.Errorf("cut at %d, %d are held, %v", cut, len(held), unreadable)
			}
		}
	}
}

func TestItIsReadyExactlyWhereTheNextReleaseGetsRoom(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "reserve")
	r := open(t, folder)
	if err := os.MkdirAll(filepath.Join(folder, "slot-05", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		ready := r.Ready()
		room, err := r.Take(ghent)
		if packaging.CodeOf(ready) != packaging.CodeOf(err) {
			t.Fatalf("release %d: ready %v, taken %v", n, ready, err)
		}
		if err == nil {
			defer room.Free()
			continue
		}
		if n != 5 || packaging.CodeOf(err) != packaging.Unavailable {
			t.Errorf("release %d: %v", n, err)
		}
		break
	}
}

func TestRoomIsTakenBeforehandAndWithoutRoomThereIsNone(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "reserve")
	r := open(t, folder)
	for n := 1; ; n++ {
		if _, err := r.Take(ghent); packaging.CodeOf(err) == packaging.Unavailable && err != nil {
			if n <= 16 {
				t.Errorf("no room for release %d: %v", n, err)
			}
			break
		}
		if n > 1000 {
			t.Fatal("there is no end to it")
		}
	}
	if info, err := os.Stat(filepath.Join(folder, "slot-01")); err != nil || info.Size() < reserve.SlotSize {
		t.Errorf("a slot has %d bytes, %v", info.Size(), err)
	}
}

// An answer that can't be read with the key at hand is kept, and is there again once its own key is.
func TestAnAnswerOfAnotherKeyIsSetAsideUntilThatKeyIsBack(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "reserve")
	room, err := open(t, folder).Take(ghent)
	if err != nil {
		t.Fatal(err)
	}
	if err := room.Keep(order, answer(3)); err != nil {
		t.Fatal(err)
	}
	other, err := secret.NewBox(bytes.Repeat([]byte{2}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, err := reserve.Open(folder, other)
		if err != nil || len(r.Held()) > 0 || len(reserve.Aside(folder)) != 1 {
			t.Fatalf("with another key: %v, aside %q", err, reserve.Aside(folder))
		}
	}
	held := open(t, folder).Held()
	if len(held) != 1 || held[0].Answer.Serials[2] != "SECRETSERIAL00000002" {
		t.Fatalf("with its own key again: %+v", held)
	}
	held[0].Free()
	if again := open(t, folder).Held(); len(again) > 0 || len(reserve.Aside(folder)) > 0 {
		t.Errorf("once freed: %+v, aside %q", again, reserve.Aside(folder))
	}
}
