package handlers_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// between are the features that use another one, "from to". There are none: what two share is in the kit or in an
// internal room.
var between []string

// room returns the room of an import path below handlers: "" for handlers itself; ok is false for all others.
func room(imported string) (name string, ok bool) {
	if imported == "lineboard/handlers" {
		return "", true
	}
	return strings.CutPrefix(imported, "lineboard/handlers/")
}

// imports calls see with each import of each Go file below a folder of the project. Tests are left out.
func imports(t *testing.T, root string, see func(file, imported string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range parsed.Imports {
			see(filepath.ToSlash(name), strings.Trim(i.Path.Value, `"`))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheKitUsesNoFeatureAndFeaturesUseNoOther(t *testing.T) {
	t.Parallel()
	seen := 0
	imports(t, ".", func(file, imported string) {
		from, _, _ := strings.Cut(file, "/")
		if !strings.Contains(file, "/") || from == "handlerstest" {
			return // the route table names all features, and tests share helpers
		}
		seen++
		if own, ok := strings.CutPrefix(imported, "lineboard/views/"); ok && own != "shell" && own != from {
			t.Errorf("%s uses the views of %s", file, own)
		}
		to, ok := room(imported)
		if !ok || from != "web" && to == "web" || slices.Contains(between, from+" "+to) {
			return
		}
		t.Errorf("%s uses handlers/%s", file, to)
	})
	if seen == 0 {
		t.Error("no feature was looked at")
	}
}

func TestOnlyHandlersKnowEchoAndSessions(t *testing.T) {
	t.Parallel()
	seen := 0
	imports(t, "..", func(file, imported string) {
		if !strings.HasPrefix(imported, "github.com/labstack/echo") &&
			!strings.HasPrefix(imported, "github.com/gorilla/sessions") {
			return
		}
		seen++
		if inside := path.Clean(file); !strings.HasPrefix(inside, "../handlers/") &&
			!strings.HasPrefix(inside, "../internal/testkit/") {
			t.Errorf("%s uses %s", file, imported)
		}
	})
	if seen == 0 {
		t.Error("nobody uses Echo")
	}
}
