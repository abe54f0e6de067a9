package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/replica"
	"lineboard/internal/sandbox"
)

// machine is one with a Lineboard whose copy a stand-in for Litestream makes, and the place that it copies to.
type machine struct {
	data, place, socket, program string
}

// litestreamScript restores and follows what the stand-in copied: it is in the folder that the configuration names,
// beside how far it has come.
const litestreamScript = `#!/bin/sh
folder=$(sed -n 's/.*"path": "\(.*\/db\)".*/\1/p' "$3")
case $5 in
-dry-run) echo "{\"max_txid\": \"$(cat "$folder/txid")\"}" ;;
-f)
	while at=$(cat "$folder/txid") && cp "$folder/copy.db" "$9" && echo "$at" >"$9-txid"; do sleep 0.05; done ;;
*) touch "$folder/../restored" && exec cp "$folder/copy.db" "$6" ;;
esac
`

// replicated starts the stand-in. It copies the whole database each time that it is asked.
func replicated(t *testing.T) machine {
	t.Helper()
	c := machine{data: t.TempDir(), place: t.TempDir(), socket: filepath.Join(t.TempDir(), "s")}
	c.program = filepath.Join(t.TempDir(), "litestream")
	if err := os.WriteFile(c.program, []byte(litestreamScript), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	c.copyTo(t, c.socket)
	return c
}

// withLitestream returns the machine with another program of Litestream.
func (c machine) withLitestream(t *testing.T, script string) machine {
	t.Helper()
	c.program = filepath.Join(t.TempDir(), "litestream")
	if err := os.WriteFile(c.program, []byte(script), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	return c
}

func (c machine) copyTo(t *testing.T, socket string) {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(c.sync)}}
	s.Start()
	t.Cleanup(s.Close)
}

// sync answers as Litestream does once it has copied the database that it is asked for to where its configuration says.
func (c machine) sync(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Path string `json:"path"`
	}
	err := json.NewDecoder(r.Body).Decode(&asked)
	var config struct {
		DBs []struct {
			Replica struct {
				Path string `json:"path"`
			} `json:"replica"`
		} `json:"dbs"`
	}
	if err == nil {
		var raw []byte
		if raw, err = os.ReadFile(filepath.Join(filepath.Dir(asked.Path), litestreamConfig)); err == nil {
			err = json.Unmarshal(raw, &config)
		}
	}
	if err == nil {
		folder := config.DBs[0].Replica.Path
		part := filepath.Join(filepath.Dir(folder), "part")
		err = errors.Join(os.MkdirAll(folder, 0o700), os.RemoveAll(part))
		if err == nil {
			err = db.Backup(r.Context(), asked.Path, part)
		}
		if err == nil {
			err = os.Rename(part, filepath.Join(folder, "copy.db"))
		}
		if err == nil {
			at := fmt.Sprintf("%016x\n", time.Now().UnixNano())
			err = os.WriteFile(filepath.Join(folder, "txid"), []byte(at), 0o600)
		}
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"path": asked.Path, "txid": 1, "replicated_txid": 1})
}

// serve starts the Lineboard of a folder beside the place.
func (c machine) serve(t *testing.T, data, socket, remote string) started {
	t.Helper()
	return start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote),
		"--copy-socket", socket, "--copy-to", c.place, "--copy-wait", "10s", "--ask-after", "100ms,200ms", "--doubt",
		"1h")
}

// standby makes a folder with the key of the first machine.
func (c machine) standby(t *testing.T) string {
	t.Helper()
	data := t.TempDir()
	if err := copyFile(filepath.Join(c.data, keyFile), filepath.Join(data, keyFile)); err != nil {
		t.Fatal(err)
	}
	return data
}

func (c machine) promote(t *testing.T, data string) (string, error) {
	t.Helper()
	return command(
		t, nil, "promote", "--data", data, "--copy-to", c.place, "--copy-socket", c.socket, "--litestream", c.program,
	)
}

// doctor returns what it says of a folder that is no fault.
func (c machine) doctor(t *testing.T, data string) string {
	t.Helper()
	said, err := command(t, nil, "doctor", "--data", data, "--copy-to", c.place, "--copy-socket", c.socket)
	if exitCode(err) == exitFault {
		t.Errorf("doctor: %v", err)
	}
	return said
}

// withoutCanary does something while nothing at the place proves a key.
func (c machine) withoutCanary(t *testing.T, do func()) {
	t.Helper()
	canary := filepath.Join(c.place, replica.EpochFolder(1), "canary")
	if err := os.Rename(canary, canary+".away"); err != nil {
		t.Fatal(err)
	}
	do()
	if err := os.Rename(canary+".away", canary); err != nil {
		t.Fatal(err)
	}
}

// readyOnce waits until a Lineboard can release.
func readyOnce(t *testing.T, s started) {
	t.Helper()
	for {
		if status, _ := get(t, s.address+"/readyz"); status == http.StatusOK {
			return
		}
		if t.Context().Err() != nil {
			t.Fatal("it never gets ready")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestAStandbyTakesOverWithAllAndTheOldOneReleasesNothingMore(t *testing.T) {
	t.Parallel()
	box, remote := remoteSandbox(t)
	c := replicated(t)
	first := c.serve(t, c.data, c.socket, remote)
	readyOnce(t, first)
	first.releaseOne(t, c.data, "Order143")
	if o := orderIn(t, c.data, "Order143"); o.Release == nil || o.Release.Outcome != packaging.Released {
		t.Fatalf("the release of the first: %+v", o.Release)
	}
	second := c.standby(t)
	if said := c.doctor(t, second); !strings.Contains(said, "The key in the data folder opens") {
		t.Errorf("doctor of the standby:\n%s", said)
	}
	said, err := c.promote(t, second)
	if err != nil || !strings.Contains(said, "Epoch 2 has begun") {
		t.Fatalf("%v\n%s", err, said)
	}
	// The first one is alive, and nothing told it.
	other := waitForOrder(t, c.data, "Order144")
	first.press(t.Context(), first.signIn(t), other)
	if o := orderIn(t, c.data, "Order144"); o.Release != nil && o.Release.Outcome != packaging.Refused {
		t.Errorf("the first released after it was taken over from: %+v", o.Release)
	}
	if status, said := get(t, first.address+"/readyz"); status != http.StatusServiceUnavailable ||
		!strings.Contains(said, "took over") { // by these words keepalived's check knows it
		t.Errorf("the first says of itself %d %s", status, said)
	}
	socket := filepath.Join(t.TempDir(), "s")
	c.copyTo(t, socket)
	next := c.serve(t, second, socket, remote)
	readyOnce(t, next)
	if o := orderIn(t, second, "Order143"); o.Release == nil || o.Release.Outcome != packaging.Released ||
		o.Release.Serials == 0 {
		t.Errorf("the release of the first at the second: %+v", o.Release)
	}
	next.releaseOne(t, second, "Order144")
	if o := orderIn(t, second, "Order144"); o.Release == nil || o.Release.Outcome != packaging.Released {
		t.Errorf("the release of the second: %+v", o.Release)
	}
	if out := box.Released(); len(out) != 2 {
		t.Errorf("carried out: %+v", out)
	}
	if said, err := command(t, nil, "verify", "--data", second); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	first.end(t)
	again := c.serve(t, c.data, c.socket, remote) // the old machine comes back
	if status, _ := get(t, again.address+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("after a start the first says of itself %d", status)
	}
}

func TestAMachineThatTakesOverAgainKeepsWhatItHadBefore(t *testing.T) {
	t.Parallel()
	_, remote := remoteSandbox(t)
	c := replicated(t)
	first := c.serve(t, c.data, c.socket, remote)
	readyOnce(t, first)
	second := c.standby(t)
	if said, err := c.promote(t, second); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	next := c.serve(t, second, c.socket, remote)
	readyOnce(t, next)
	first.end(t)
	said, err := c.promote(t, c.data)
	if err != nil || !strings.Contains(said, "Epoch 3 has begun") {
		t.Fatalf("back: %v\n%s", err, said)
	}
	for _, name := range []string{databaseFile, anchorsFile} {
		if kept, _ := filepath.Glob(filepath.Join(c.data, name+".replaced-*Z")); len(kept) != 1 {
			t.Errorf("%s from before is kept %d times", name, len(kept))
		}
	}
	if config := content(t, c.data, litestreamConfig); !strings.Contains(config, "/000003/db") {
		t.Errorf("Litestream copies to where it did before: %s", config)
	}
}

func TestAReleaseThatWasUnderWayIsUnknownAtTheStandbyAndNotSentAgain(t *testing.T) {
	t.Parallel()
	remote := holdReleases(t)
	c := replicated(t)
	first := c.serve(t, c.data, c.socket, remote.URL)
	readyOnce(t, first)
	order := waitForOrder(t, c.data, "Order143")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	browser := first.signIn(t)
	go first.press(ctx, browser, order)
	<-remote.arrived // its claim was copied before
	second := c.standby(t)
	if said, err := c.promote(t, second); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	socket := filepath.Join(t.TempDir(), "s")
	c.copyTo(t, socket)
	next := c.serve(t, second, socket, remote.URL)
	readyOnce(t, next)
	if o := orderIn(t, second, "Order143"); o.Release == nil || o.Release.Outcome != packaging.Unknown {
		t.Fatalf("at the standby: %+v", o.Release)
	}
	next.press(t.Context(), next.signIn(t), order)
	select {
	case <-remote.arrived:
		t.Error("it was sent once more")
	default:
	}
	leave()
	close(remote.open)
}

func TestAPromotionThatCanNotEndChangesNothingAndOneThatWasCutOffGoesOn(t *testing.T) {
	t.Parallel()
	_, remote := remoteSandbox(t)
	c := replicated(t)
	if said, err := c.promote(t, t.TempDir()); err == nil || !strings.Contains(err.Error(), "no Lineboard has copied") {
		t.Errorf("from an empty place: %v %s", err, said)
	}
	first := c.serve(t, c.data, c.socket, remote)
	readyOnce(t, first)
	if said, err := command(
		t, nil, "promote", "--data", t.TempDir(), "--copy-to", c.place, "--litestream", c.program,
	); err == nil {
		t.Errorf("without the key: %s", said)
	}
	strange := t.TempDir()
	store, err := openData(t.Context(), strange)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Close(), os.Remove(filepath.Join(strange, databaseFile))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.promote(t, strange); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("with another key: %v", err)
	}
	second := c.standby(t)
	c.withoutCanary(t, func() {
		if said, err := c.promote(t, second); err == nil || !strings.Contains(err.Error(), "nothing at "+c.place+" proves") {
			t.Errorf("with a key that nothing proves: %v %s", err, said)
		}
		if said := c.doctor(t, second); !strings.Contains(said, "Whether the key fits the copy is not known") ||
			strings.Contains(said, "opens what was sealed for the copy") {
			t.Errorf("doctor of a key that nothing proves:\n%s", said)
		}
	})
	if status, _ := get(t, first.address+"/readyz"); status != http.StatusOK {
		t.Errorf("the first says of itself %d", status)
	}
	const full = "case $5 in -f) echo no space left on device >&2; exit 1 ;; esac\n"
	small := c.withLitestream(t, strings.Replace(litestreamScript, "\n", "\n"+full, 1))
	if _, err := small.promote(t, second); err == nil || !strings.Contains(err.Error(), "nothing was changed") ||
		!strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("without room for what is restored: %v", err)
	}
	if status, _ := get(t, first.address+"/readyz"); status != http.StatusOK {
		t.Errorf("after that the first says of itself %d", status)
	}
	const restoresOnce = "case $5 in -o) exit 3 ;; -dry-run) [ -e \"$0.once\" ] && exit 3; touch \"$0.once\" ;; esac\n"
	broken := c.withLitestream(t, strings.Replace(litestreamScript, "\n", "\n"+restoresOnce, 1))
	if _, err := broken.promote(t, second); err == nil ||
		!strings.Contains(err.Error(), "run lineboard promote again") {
		t.Errorf("cut off: %v", err)
	}
	err = Run(t.Context(),
		[]string{"serve", "--data", second, "--addr", "127.0.0.1:0", "--copy-socket", c.socket, "--copy-to", c.place},
		Process{Getenv: environ(nil), Stdout: io.Discard, Stderr: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "promote again") {
		t.Errorf("it serves without its data: %v", err)
	}
	if said, err := c.promote(t, second); err != nil || !strings.Contains(said, "epoch 2") {
		t.Errorf("once more: %v\n%s", err, said)
	}
	if said, err := c.promote(t, second); err != nil || !strings.Contains(said, "in charge already") {
		t.Errorf("in charge: %v\n%s", err, said)
	}
}

func TestAStandbyThatFollowsNeedsNoRestore(t *testing.T) {
	t.Parallel()
	_, remote := remoteSandbox(t)
	c := replicated(t)
	first := c.serve(t, c.data, c.socket, remote)
	readyOnce(t, first)
	first.releaseOne(t, c.data, "Order143")
	second := c.standby(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, []string{"follow", "--data", second, "--copy-to", c.place, "--litestream", c.program},
			Process{Getenv: environ(nil), Stdout: io.Discard, Stderr: io.Discard})
	}()
	followed := filepath.Join(second, followFolder, replica.EpochFolder(1), databaseFile+"-txid")
	for _, err := os.Stat(followed); err != nil; _, err = os.Stat(followed) {
		if t.Context().Err() != nil {
			t.Fatal("nothing is followed")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, err := c.promote(t, second); err == nil ||
		!strings.Contains(err.Error(), "nothing was changed: lineboard follow") {
		t.Errorf("while it follows: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the end of the follower: %v", err)
	}
	first.releaseOne(t, c.data, "Order144") // the standby does not have it yet
	if said, err := c.promote(t, second); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if _, err := os.Stat(filepath.Join(c.place, replica.EpochFolder(1), "restored")); err == nil {
		t.Error("the whole copy was restored")
	}
	for _, key := range []string{"Order143", "Order144"} {
		if o := orderIn(t, second, key); o.Release == nil || o.Release.Outcome != packaging.Released {
			t.Errorf("at the standby: %+v", o.Release)
		}
	}
	if said, err := command(t, nil, "verify", "--data", second); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestAnchorsAndKeptAnswersTravelAndTheKeyDoesNot(t *testing.T) {
	t.Parallel()
	remote := holdReleases(t)
	c := replicated(t)
	heldOver(t, c.data, plantEnv(), remote)
	place, err := replica.Open(c.place, "", "")
	if err != nil {
		t.Fatal(err)
	}
	store, err := openData(t.Context(), c.data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	flags := settings{
		Data: c.data, replication: replication{CopySocket: c.socket, CopyTo: c.place, CopyWait: time.Second},
	}
	r, err := flags.replica(t.Context(), store, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	anchors := filepath.Join(folder, anchorsFile)
	if err := replica.Fetch(t.Context(), place, 1, anchors, reserveFolder(anchors)); err != nil {
		t.Fatal(err)
	}
	had, err := os.ReadFile(filepath.Join(c.data, anchorsFile))
	has, missing := os.ReadFile(anchors)
	if err := errors.Join(err, missing); err != nil || string(had) != string(has) || len(has) == 0 {
		t.Errorf("%v; %d of %d bytes of anchors", err, len(has), len(had))
	}
	kept, err := openReserve(store, anchors, slog.New(slog.DiscardHandler))
	if err != nil || len(kept.Held()) != 1 || kept.Held()[0].OrderKey != "Order143" {
		t.Errorf("kept answers: %v", err)
	}
	key, err := os.ReadFile(filepath.Join(c.data, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(c.place, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), strings.TrimSpace(string(key))) ||
			strings.Contains(string(content), sandbox.APISecret) {
			t.Errorf("%s has a secret", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
