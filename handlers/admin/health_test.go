package admin_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"lineboard/internal/deliver"
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

// What is wrong comes first, in the words and dates of the page.
func TestHealthSaysFirstWhatIsWrongInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	gone := map[string]string{"share": filepath.Join(t.TempDir(), "gone")}
	b := site.New(t, site.Options{Deliveries: deliver.Options{Roots: gone}}).SignIn("administrator1")
	b.Post("/language?language=de")
	b.Post("/admin/connection/end", "last_day", "24.11.2026", "remind_days", "30")
	if a := b.Post(
		"/admin/lines/L1/destinations", "kind", "folder", "name", "Fileserver", "address", "share", "file_name",
		"{{.Order}}-{{.Number}}.csv",
		"format", "csv", "late_after", "5", "give_up", "72", "do", "save",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("destination: %d %s", a.Status, a.Text("main"))
	}
	all := b.Get("/admin/health").All(".findings li")
	if len(all) < 4 || !strings.Contains(all[0], "L1, Fileserver: Der Ordner lässt sich nicht öffnen: open ") {
		t.Fatalf("first is %q", all)
	}
	for _, said := range all {
		if strings.Contains(said, "no_such_root") {
			t.Errorf("a code is no word: %q", said)
		}
	}
	if said := strings.Join(all, " "); !strings.Contains(said, "Ihr letzter Tag ist 24.11.2026") {
		t.Errorf("the last day of the credentials is not in %q", said)
	}
}
