package admin_test

import (
	"strings"
	"testing"

	"lineboard/internal/testkit/site"
)

func TestAnAdministratorSeesHowTheInstallationIs(t *testing.T) {
	t.Parallel()
	b := site.New(t, site.Options{}).SignIn("administrator1")
	page := b.Get("/admin/health")
	findings, numbers := page.Text("#findings"), page.Text("#numbers")
	for _, says := range []string{
		"something to look after", "Backups", "Set --backup-dir", "The key opens what is sealed.",
	} {
		if !strings.Contains(strings.ToLower(findings), strings.ToLower(says)) {
			t.Errorf("the findings lack %q: %s", says, findings)
		}
	}
	for _, says := range []string{"Version", "Running since", "Database", "People signed in1"} {
		if !strings.Contains(numbers, says) {
			t.Errorf("the numbers lack %q: %s", says, numbers)
		}
	}
}
