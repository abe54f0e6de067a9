package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is where the repository begins.
var root = filepath.Join("..", "..")

func TestThePagesOnSecurityAndRecordsNameWhatThereIs(t *testing.T) {
	page := content(t, root, "docs", "security.md") + content(t, root, "docs", "compliance.md")
	var tests strings.Builder
	if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			tests.WriteString(content(t, path))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(content(t, root, "docs", "compliance.md")) {
		if rule := regexp.MustCompile(`^\| [(\d§]`); rule.MatchString(row) && !strings.Contains(row, "`Test") {
			t.Errorf("no test shows %s", row)
		}
	}
	for _, name := range regexp.MustCompile(`\bTest\w+`).FindAllString(page, -1) {
		if !strings.Contains(tests.String(), "func "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
	for _, m := range regexp.MustCompile("`([a-z/]+(?:\\.go|/))`").FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Error(err)
		}
	}
}
