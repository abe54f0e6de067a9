package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"lineboard/internal/testkit/thorough"
)

// Tests hash passwords at next to no cost. The program does not.
func TestTheProgramHashesPasswordsAtTheirFullCost(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	for _, hash := range column[string](t, newShippedSite(t).database(), `SELECT password_hash FROM users`) {
		if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("a hash is %s", hash)
		}
	}
	linked, err := exec.Command("go", "list", "-deps", "lineboard").Output()
	if err != nil || !strings.Contains(string(linked), "lineboard/internal/secret\n") {
		t.Fatalf("the packages of the program: %s, %v", linked, err)
	}
	if strings.Contains(string(linked), "cheaphash") {
		t.Error("the program contains cheaphash")
	}
}
