package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func settingsFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lineboard.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each source names another folder without a database, so that the error says which one counted.
func TestAFlagGoesOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	file := settingsFile(t, "# of the plant\ndata: /nowhere/file\naddr: :8080\n")
	environment := map[string]string{"LINEBOARD_DATA": "/nowhere/environment"}
	for _, c := range []struct {
		env  map[string]string
		args []string
		from string
	}{
		{nil, []string{"backup", "--to", "x", "--config", file}, "file"},
		{nil, []string{"--config", file, "backup", "--to", "x"}, "file"},
		{map[string]string{"LINEBOARD_CONFIG": file}, []string{"backup", "--to", "x"}, "file"},
		{environment, []string{"backup", "--to", "x", "--config", file}, "environment"},
		{environment, []string{"backup", "--to", "x", "--config", file, "--data", "/nowhere/flag"}, "flag"},
	} {
		if _, err := command(t, c.env, c.args...); err == nil ||
			!strings.Contains(err.Error(), "/nowhere/"+c.from+"/") {
			t.Errorf("%v: %v, want the folder of the %s", c.args, err, c.from)
		}
	}
}

func TestAMistakeInTheSettingsFileIsNamedWithItsLine(t *testing.T) {
	for text, says := range map[string]string{
		"addr: :8080\nadress: :8081\n":            "line 2: there is no setting adress",
		"config: other.yaml\n":                    "line 1: there is no setting config",
		"to: backup.db\n":                         "line 1: there is no setting to",
		"addr: :8080\nrefresh: soon\n":            "line 2)",
		"\nrefresh: 0s\n":                         "line 2)",
		"trusted-proxies: [10.0.0.1]\n":           "line 1)",
		"https: perhaps\n":                        "line 1)",
		"\nbackup-keep: 010\n":                    "line 2)",
		"backup-keep: 0x10\n":                     "line 1)",
		"backup-keep: 1_000\n":                    "line 1)",
		"rate-limit: NaN\n":                       "line 1)",
		"\nmetrics-token-file: /nowhere\n":        "line 2)",
		"drop-root: [press=/srv/a, pack=srv/b]\n": "--drop-root pack=srv/b",
		"provision: [a, b]\ndata: {a: b}":         "line 2: data needs a value",
	} {
		_, err := command(t, nil, "serve", "--config", settingsFile(t, text), "--addr", "127.0.0.1:99999", "--data", t.TempDir())
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
	if _, err := command(t, nil, "serve", "--data", t.TempDir(), "--config", settingsFile(t, "\naddr: 127.0.0.1:99999\n")); err == nil ||
		!strings.Contains(err.Error(), "line 2)") {
		t.Errorf("an address that is none: %v", err)
	}
	if _, err := command(t, nil, "serve", "--config", "nowhere.yaml"); err == nil ||
		!strings.Contains(err.Error(), "settings file can't be read") {
		t.Errorf("without a file: %v", err)
	}
	// The settings of serve are no mistake to a command that has fewer.
	_, err := command(t, nil, "backup", "--to", "x", "--config", settingsFile(t, "addr: :8080\ndata: /nowhere\n"))
	if err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("backup: %v", err)
	}
}
