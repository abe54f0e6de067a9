package app

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/thorough"
)

// examined runs doctor and returns its report and its exit code.
func examined(t *testing.T, args ...string) (r doctorReport, code int) {
	t.Helper()
	printed, err := command(t, nil, append([]string{"doctor", "--json"}, args...)...)
	var own exitError
	if err != nil && !errors.As(err, &own) {
		t.Fatalf("doctor %v: %v", args, err)
	}
	if err := json.Unmarshal([]byte(printed), &r); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	return r, own.code
}

// grade returns the worst grade of a check, and what the report says of it.
func (r doctorReport) grade(check string) (grade packaging.Grade, says string) {
	for _, f := range r.Findings {
		if f.Check == check {
			if grade == "" || f.Grade != packaging.Good {
				grade = f.Grade
			}
			says += f.Text + " " + f.Do + "\n"
		}
	}
	return grade, says
}

func TestDoctorExaminesAnInstallationBesideTheServerAndChangesNothing(t *testing.T) {
	thorough.Once(t)
	data, backups := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backups")
	remote := start(t, nil, "sandbox", "--addr", "127.0.0.1:0")
	env := with(map[string]string{"KEY": sandbox.APIKey, "SECRET": sandbox.APISecret, "CHANNEL": sandbox.ChannelKey})
	s := start(t, env, "serve", "--addr", "127.0.0.1:0", "--data", data, "--https", "--provision",
		site(t, remote.address),
		"--backup-dir", backups)
	waitForOrder(t, data, "Order143")
	key, anchors := content(t, data, keyFile), content(t, data, anchorsFile)
	r, code := examined(t, "--data", data, "--https", "--backup-dir", backups)
	for _, check := range []string{"settings", "files", "disk", "database", "history", "key", "zone", "api", "clock"} {
		if grade, says := r.grade(check); grade != packaging.Good {
			t.Errorf("%s: %s, %s", check, grade, says)
		}
	}
	if grade, says := r.grade("backups"); grade != packaging.Warning ||
		!strings.Contains(says, "on the disk of the database") {
		t.Errorf("backups: %s, %s", grade, says)
	}
	if r.Grade != packaging.Warning || code != exitWarning || r.Build.Version == "" || r.Build.Go == "" {
		t.Errorf("grade %s, code %d, build %+v", r.Grade, code, r.Build)
	}
	// The server may write an anchor meanwhile.
	if content(t, data, keyFile) != key || !strings.HasPrefix(content(t, data, anchorsFile), anchors) {
		t.Error("the key or the anchors changed")
	}
	if status, _ := get(t, s.address+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
	s.end(t)
	if _, says := r.grade("api"); !strings.Contains(says, "Plant Ghent: the API answers.") {
		t.Errorf("api: %s", says)
	}
	printed, err := command(t, nil, "doctor", "--data", data)
	if err == nil || !strings.Contains(printed, "warning  settings     People reach Lineboard by plain HTTP") ||
		!strings.Contains(printed, "                      Set --tls-cert") {
		t.Errorf("on the console: %v\n%s", err, printed)
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data,
		"--provision", site(t, "http://127.0.0.1:1")).end(t)
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Sun, 01 Nov 2020 12:00:00 GMT")
	}))
	defer late.Close()
	key := filepath.Join(data, keyFile)
	if err := os.Remove(filepath.Join(data, anchorsFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, []byte(strings.Repeat("0f", 32)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "site.yaml")
	if err := os.WriteFile(broken, []byte("tenants:\n  - slug: plant-ghent\n    nam: canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, code := examined(
		t, "--data", data, "--provision", broken, "--tls-cert", "no-cert.pem", "--tls-key", "no-key.pem",
	)
	for check, says := range map[string]string{
		"settings": "line 3", "files": "lineboard.key (0644)", "key": "Put back the lineboard.key",
		"api":     "can't be reached",
		"history": "The file of anchors is not there, though ",
		"backups": "by hand", "certificate": "no such file",
	} {
		grade, said := r.grade(check)
		if grade == packaging.Good || !strings.Contains(said, says) || strings.Contains(said, "canary") {
			t.Errorf("%s: %s, %s", check, grade, said)
		}
	}
	if r.Grade != packaging.Fault || code != exitFault {
		t.Errorf("grade %s, code %d", r.Grade, code)
	}
	// In place of all that the database is: its log may still be there, and that has whole pages of it.
	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(data, databaseFile+part)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(
		filepath.Join(data, databaseFile), []byte("no database at all, but a file of that name"), 0o600,
	); err != nil {
		t.Fatal(err)
	}
	r, _ = examined(t, "--data", data)
	if grade, said := r.grade("database"); grade != packaging.Fault || strings.Contains(said, "error.") {
		t.Errorf("a file that is no database: %s, %s", grade, said)
	}
	if _, err := command(t, nil, "verify", "--data", data); err == nil || strings.Contains(err.Error(), "error.") ||
		!strings.Contains(err.Error(), "no SQLite database") {
		t.Errorf("verify of a file that is no database: %v", err)
	}
	if _, err := command(t, nil, "doctor", "--data", filepath.Join(data, "nowhere")); err == nil ||
		!strings.Contains(err.Error(), "no data folder") {
		t.Errorf("without a folder: %v", err)
	}
}

func TestDoctorAsksDestinationsWhetherTheyAreThere(t *testing.T) {
	data, shared := filepath.Join(t.TempDir(), "data"), t.TempDir()
	provision := site(t, "http://127.0.0.1:1")
	text := content(t, provision) + "    destinations: [{line: L1, name: Share, kind: folder, root: share}]\n"
	if err := os.WriteFile(provision, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", provision,
		"--drop-root", "share="+shared).end(t)
	r, _ := examined(t, "--data", data, "--drop-root", "share="+shared)
	if grade, said := r.grade("destination"); grade != packaging.Good || !strings.Contains(said, "L1: the destination Share") {
		t.Errorf("there: %s, %s", grade, said)
	}
	if err := os.Remove(shared); err != nil {
		t.Fatal(err)
	}
	r, code := examined(t, "--data", data, "--drop-root", "share="+shared)
	if grade, said := r.grade("destination"); grade != packaging.Fault || code != exitFault ||
		!strings.Contains(said, "can’t be opened") {
		t.Errorf("gone: %s, %s, exit code %d", grade, said, code)
	}
}

// Canaries are in everything that is secret or about people: the bundle must have none of them.
func TestTheBundleHoldsNothingSecret(t *testing.T) {
	thorough.Once(t)
	data, file := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "support.zip")
	remote := start(t, nil, "sandbox", "--addr", "127.0.0.1:0")
	env := with(map[string]string{"KEY": sandbox.APIKey, "SECRET": sandbox.APISecret, "CHANNEL": sandbox.ChannelKey})
	provision := site(t, remote.address)
	s := start(t, env, "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", provision)
	browser, order := s.signIn(t), waitForOrder(t, data, "Order143")
	if status := s.press(t.Context(), browser, order); status != http.StatusSeeOther {
		t.Fatalf("the press: %d", status)
	}
	if _, err := command(t, env, "doctor", "--data", data, "--provision", provision, "--bundle", file); err == nil {
		t.Error("without HTTPS and backups all is well")
	}
	store, _ := readData(t, data)
	_, hash, err := store.Credential(t.Context(), "supervisor1")
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{
		sandbox.APIKey, sandbox.APISecret, sandbox.ChannelKey, credentials["PASSWORD"], hash,
		strings.TrimSpace(content(t, data, keyFile)), "supervisor1", "First supervisor", "Order143",
	}
	secrets = append(secrets, serialsOf(t, s, browser, order)...)
	bundle, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer bundle.Close()
	names := ""
	for _, f := range bundle.File {
		names += f.Name + " "
		text := readPart(t, f)
		for i, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s has secret %d", f.Name, i)
			}
		}
	}
	if names != "findings.json settings.json files.txt counts.json " || len(secrets) < 15 {
		t.Errorf("the bundle: %s, %d secrets", names, len(secrets))
	}
	if _, err := command(t, nil, "doctor", "--data", data, "--bundle", file); err == nil ||
		!strings.Contains(err.Error(), "exists") {
		t.Errorf("a bundle again: %v", err)
	}
}

// serialsOf returns the serial numbers of an order, as its page for programs has them.
func serialsOf(t *testing.T, s started, browser *http.Client, o packaging.Order) []string {
	t.Helper()
	response, err := browser.Get(fmt.Sprintf("%s/orders/%d/serials.json", s.address, o.ID))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var list struct {
		Serials []string `json:"serials"`
	}
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list.Serials
}

func readPart(t *testing.T, f *zip.File) string {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheVersionSaysWhatTheProgramWasBuiltFrom(t *testing.T) {
	printed, err := command(t, nil, "version")
	if err != nil || !strings.HasPrefix(printed, "Lineboard ") || !strings.Contains(printed, "go1.") {
		t.Errorf("%s, %v", printed, err)
	}
}
