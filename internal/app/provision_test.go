package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lineboard/internal/packaging"
)

// What the file and the pages say may part with time. A first start has nothing that it could go on with.
func TestAProvisioningFileThatContradictsWhatIsHereKeepsNoServerFromStarting(t *testing.T) {
	path, data := site(t, "http://127.0.0.1:1"), filepath.Join(t.TempDir(), "data")
	serve := []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", path}
	start(t, credentials, serve...).end(t)
	alike := strings.Replace(content(t, path), "users: [", "users: [{username: supervisorl, name: Another, role: operator, "+
		"password: env:PASSWORD}, ", 1)
	if err := os.WriteFile(path, []byte(strings.Replace(alike, "Blister line 1", "Renamed", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, credentials, serve...)
	if status, _ := get(t, s.address+"/readyz"); status != http.StatusOK {
		t.Errorf("ready: %d", status)
	}
	if log := s.log.String(); !strings.Contains(log, "the provisioning file contradicts what is here") {
		t.Errorf("the log says %s", log)
	}
	s.end(t)
	store, err := openData(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tenants, err := store.Tenants(t.Context())
	if err != nil || len(tenants) != 1 {
		t.Fatal(tenants, err)
	}
	lines, err := store.Lines(t.Context(), packaging.Everything(tenants[0].ID))
	if err != nil || len(lines) != 1 || lines[0].Name != "Blister line 1" {
		t.Errorf("a part of the file was applied: %+v, %v", lines, err)
	}
	serve[4] = filepath.Join(t.TempDir(), "data")
	if _, err := command(t, credentials, serve...); err == nil || !strings.Contains(err.Error(), "supervisor") {
		t.Errorf("a first start: %v", err)
	}
}
