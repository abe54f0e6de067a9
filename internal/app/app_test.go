package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsWrongAtStartIsToldInASentence(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	first := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data,
		"--provision", site(t, "http://127.0.0.1:1"))
	fails := func(says string, env map[string]string, args ...string) {
		t.Helper()
		_, err := command(t, env, args...)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v: %v, want %q in it", args, err, says)
		}
	}
	fails("another Lineboard is running", nil, "serve", "--addr", "127.0.0.1:0", "--data", data)
	taken := strings.TrimPrefix(first.address, "http://")
	fails("can't listen on", nil, "serve", "--addr", taken, "--data", t.TempDir())
	first.end(t)

	key := filepath.Join(data, "lineboard.key")
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	fails("lineboard.key can't be read", nil, "serve", "--addr", "127.0.0.1:0", "--data", data)
	text[0] = map[bool]byte{true: '1', false: '0'}[text[0] == '0']
	if err := os.WriteFile(key, text, 0o600); err != nil {
		t.Fatal(err)
	}
	fails("Put back the key file that belongs to this database", nil, "serve", "--addr", "127.0.0.1:0", "--data", data)

	broken := filepath.Join(t.TempDir(), "site.yaml")
	if err := os.WriteFile(broken, []byte("tenants:\n  - slug: plant-ghent\n    nam: canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails("line 3", nil, "serve", "--data", t.TempDir(), "--provision", broken)
	fails("provisioning file can't be read", nil, "serve", "--data", t.TempDir(), "--provision", broken+".not")
	fails("environment variable KEY is not set", nil, "serve", "--data", t.TempDir(),
		"--provision", site(t, "http://127.0.0.1:1"))
	fails("unknown flag --nonsense", nil, "serve", "--nonsense")
	fails("invalid duration", map[string]string{"LINEBOARD_REFRESH": "soon"}, "serve")
	fails("--refresh must be at least 100ms", nil, "serve", "--refresh", "0s")
	fails("belong together", nil, "serve", "--tls-cert", "cert.pem")
	fails(
		"cert.pem: no such file", nil, "serve", "--data", t.TempDir(), "--tls-cert", "cert.pem", "--tls-key", "key.pem",
	)
	fails("trusted-proxies", nil, "serve", "--trusted-proxies", "10.0.0.1")
	fails("--rate-limit must not be below zero", nil, "serve", "--rate-limit=-1")
	fails("--release-limit must be at least 100ms", nil, "demo", "--release-limit=-1s")
	for _, garbage := range []string{
		"ghent", "ghent:", ":5", "ghent:abc", "ghent:-1", "ghent:0", "ghent:99999999999999999999",
	} {
		fails("--accept-lost-history="+garbage+" must be SLUG:ENTRY", nil, "demo", "--accept-lost-history="+garbage)
	}
	fails("--ask-after must be two or more growing times", nil, "demo", "--ask-after", "5s,2s")
	for _, garbage := range []string{"", "8080", "localhost", "127.0.0.1:"} {
		fails("--addr must be an address such as", nil, "demo", "--addr="+garbage)
	}
	fails("--metrics-addr must be an address such as", nil, "demo", "--metrics-addr=9100")
	fails("--doubt must not be below zero", nil, "demo", "--doubt=-1s")
	fails("expected one of", nil)
}

func TestHelpIsNoError(t *testing.T) {
	help := ""
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}} {
		printed, err := command(t, nil, args...)
		if err != nil {
			t.Errorf("%v: %v", args, err)
		}
		help += printed
	}
	for _, says := range []string{"serve", "demo", "sandbox", "--provision", "LINEBOARD_DATA"} {
		if !strings.Contains(help, says) {
			t.Errorf("the help does not say %s", says)
		}
	}
}
