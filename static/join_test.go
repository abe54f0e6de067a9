package static

import (
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

func TestASheetIsJoinedFromWhatItImportsEachInItsLayer(t *testing.T) {
	l, err := load(fstest.MapFS{
		"app.css": {
			Data: []byte(
				"/* All. */\n@layer base, pages;\n\n@import url(css/base.css) layer(base);\n@import url(css/fonts.css);\n",
			),
		},
		"css/base.css":   {Data: []byte("/* The\n   ground. */\n  a { b: c; } /* d */\n")},
		"css/fonts.css":  {Data: []byte("@font-face { src: url(../font.woff2); }\n")},
		"css/unused.css": {Data: []byte("e { f: url(nowhere.png); }\n")},
		"font.woff2":     {Data: []byte("font")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := string(l.assets[l.addresses["app.css"]].plain)
	want := "@layer base, pages;\n@layer base {\na { b: c; } /* d */\n}\n@font-face { src: url(" +
		strings.TrimPrefix(l.addresses["font.woff2"], Prefix) + "); }\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for name := range l.addresses {
		if strings.HasPrefix(name, "css/") {
			t.Errorf("%s is served by itself", name)
		}
	}

	_, err = load(fstest.MapFS{"app.css": {Data: []byte("@import url(css/gone.css) layer(base);\n")}})
	if err == nil || !strings.Contains(err.Error(), "gone.css") {
		t.Errorf("a sheet that imports nothing that is there: %v", err)
	}
}

func TestAScriptIsJoinedFromWhatItImports(t *testing.T) {
	script, err := joinScript(fstest.MapFS{
		"app.js":  {Data: []byte("import { b } from \"./js/b.js\";\nimport { a } from \"./js/a.js\";\nb(a);\n")},
		"js/a.js": {Data: []byte("/** What a is. */\nexport const a = 1;\n")},
		"js/b.js": {
			Data: []byte("import {\n  a,\n} from \"./a.js\";\n\n// Why.\nexport async function b() { return a; }\n"),
		},
	}, "app.js")
	if err != nil {
		t.Fatal(err)
	}
	want := `(() => {
"use strict";
const modules = {};
modules["js/a.js"] = (() => {
const a = 1;
return { a };
})();
modules["js/b.js"] = (() => {
const {
  a,
} = modules["js/a.js"];

async function b() { return a; }
return { b };
})();
modules["app.js"] = (() => {
const { b } = modules["js/b.js"];
const { a } = modules["js/a.js"];
b(a);
return {  };
})();
})();
`
	if string(script) != want {
		t.Errorf("got:\n%s\nwant:\n%s", script, want)
	}
}

func TestAScriptThatCannotBeJoinedIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ a, says string }{
		"a circle":            {`import { app } from "../app.js";` + "\n", "app.js is imported by what it imports"},
		"an export by itself": {"const a = 1;\nexport { a };\n", `does not know "export { a };"`},
		"a changing export":   {"export let a = 1;\n", `does not know "export let a = 1;"`},
		"a default":           {"export default 1;\n", `does not know "export default 1;"`},
		"a whole module":      {"import * as b from \"./b.js\";\n", `does not know "import * as b`},
		"a missing module":    {"import { b } from \"./b.js\";\n", "b.js"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := joinScript(fstest.MapFS{
				"app.js":  {Data: []byte("import { a } from \"./js/a.js\";\n")},
				"js/a.js": {Data: []byte(test.a)},
			}, "app.js")
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s", err, test.says)
			}
		})
	}
}

// A part that nothing joins would be dead.
func TestEveryPartIsJoined(t *testing.T) {
	whole := string(site().assets[URL("app.js")].plain) + string(Worker())
	sheet, err := fs.ReadFile(files, "app.css")
	if err != nil {
		t.Fatal(err)
	}
	for folder := range parts {
		err := fs.WalkDir(files, folder, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil || entry.IsDir():
				return err
			case path.Ext(name) == ".js" && !strings.Contains(whole, `modules["`+name+`"] = `):
				t.Errorf("no script imports %s", name)
			case path.Ext(name) == ".css" && !strings.Contains(string(sheet), "@import url("+name+")"):
				t.Errorf("app.css does not import %s", name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
