// Package docs holds the tests of README.md and docs/: what they name must exist, and what they claim of the program's
// tables must be so. The flags and commands are tested in internal/app.
package docs

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the repository, seen from here. Paths below are relative to it, with slashes.
const root = "../.."

// maxReadmeLines keeps README.md a page to begin with. More belongs into docs/.
const maxReadmeLines = 130

// document is README.md or a file of docs/.
type document struct {
	path string
	text string
}

// documents returns all of them.
func documents(t *testing.T) (all []document) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"README.md"}
	for _, file := range files {
		names = append(names, "docs/"+filepath.Base(file))
	}
	for _, name := range names {
		all = append(all, document{name, read(t, name)})
	}
	return all
}

// read returns the text of a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// files returns every file and folder of the repository but those of dot-folders. Folders end with a slash.
func files(t *testing.T) (all []string) {
	t.Helper()
	if err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || name == ".":
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir():
			name += "/"
		}
		all = append(all, name)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

var (
	fence = regexp.MustCompile("(?ms)^```.*?^```$")
	code  = regexp.MustCompile("`([^`\n]+)`")
)

// prose returns the text without its blocks of code.
func (d document) prose() string { return fence.ReplaceAllString(d.text, "") }

// spans returns what stands between backticks in the prose.
func (d document) spans() (all []string) {
	for _, m := range code.FindAllStringSubmatch(d.prose(), -1) {
		all = append(all, m[1])
	}
	return all
}

// anchors returns the names under which links reach the headings, as GitHub makes them.
func (d document) anchors() (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(d.prose(), -1) {
		kept := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(kept, " ", "-"))
	}
	return all
}

// exists says whether the repository has a file or folder of the name.
func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil
}

func TestTheReadmeIsOnePageToBeginWith(t *testing.T) {
	if lines := strings.Count(read(t, "README.md"), "\n"); lines > maxReadmeLines {
		t.Errorf("README.md has %d lines, and may have %d: move something to docs/", lines, maxReadmeLines)
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	anchors := map[string][]string{}
	for _, d := range documents(t) {
		anchors[d.path] = d.anchors()
	}
	for _, d := range documents(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(d.prose(), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target, anchor, _ := strings.Cut(m[1], "#")
			name := path.Join(path.Dir(d.path), target)
			if target == "" {
				name = d.path
			}
			if !exists(name) {
				t.Errorf("%s: the link %s leads to no file", d.path, m[1])
			}
			if anchor != "" && !slices.Contains(anchors[name], anchor) {
				t.Errorf("%s: the link %s leads to no heading", d.path, m[1])
			}
		}
	}
}

func TestEveryDocumentAndPictureIsReached(t *testing.T) {
	all := ""
	for _, d := range documents(t) {
		all += d.prose()
	}
	for _, name := range files(t) {
		file, ours := strings.CutPrefix(name, "docs/")
		if ours && file != "" && !strings.HasSuffix(file, "/") && !strings.Contains(all, file+")") &&
			!strings.Contains(all, file+"#") {
			t.Errorf("no link leads to %s", name)
		}
	}
}

// A path in backticks, such as `db/changes.go`, `routes.go` or `web/`. Others are addresses, media types and data.
var (
	pathForm = regexp.MustCompile(`^[a-zA-Z][\w.-]*(/[\w.-]+)*/?$`)
	fileForm = regexp.MustCompile(`\.(go|templ|sql|md|py|js|css|json|png)$`)
	stepForm = regexp.MustCompile(`^[a-z][a-z0-9/]*\.[A-Za-z]\w*$`) // a room and a function, such as `db.Claim`
	media    = regexp.MustCompile(`^(text|application)/`)
)

func TestFilesThatAreNamedExist(t *testing.T) {
	all := files(t)
	for _, d := range documents(t) {
		for _, span := range d.spans() {
			named := strings.Contains(span, "/") || fileForm.MatchString(span)
			if function := stepForm.MatchString(span) && !fileForm.MatchString(span); function || !named ||
				!pathForm.MatchString(span) || media.MatchString(span) {
				continue
			}
			if !exists(span) && !slices.ContainsFunc(all, func(name string) bool {
				return strings.HasSuffix(name, "/"+span)
			}) {
				t.Errorf("%s: there is no %s", d.path, span)
			}
		}
	}
}

// "`authorizedTx` in `db/authorized.go`", with or without a link, and
// "[`packaging.At`](../internal/packaging/shift.go)".
func TestNamesStandInTheFilesThatTheyAreSaidToStandIn(t *testing.T) {
	in := regexp.MustCompile("`([\\w.]+)` in\\s+\\[?`([^`]+\\.go)`")
	linked := regexp.MustCompile("\\[`([\\w.]+)`(?: and `([\\w.]+)`)?\\]\\(([^)]+\\.go)\\)")
	for _, d := range documents(t) {
		stands := func(name, file string) {
			last := name[strings.LastIndex(name, ".")+1:]
			if exists(file) && !regexp.MustCompile(`\b`+last+`\b`).MatchString(read(t, file)) {
				t.Errorf("%s: there is no %s in %s", d.path, name, file)
			}
		}
		for _, m := range in.FindAllStringSubmatch(d.prose(), -1) {
			stands(m[1], m[2])
		}
		for _, m := range linked.FindAllStringSubmatch(d.prose(), -1) {
			for _, name := range m[1:3] {
				if name != "" && !fileForm.MatchString(name) {
					stands(name, path.Join(path.Dir(d.path), m[3]))
				}
			}
		}
	}
}

func TestTestsThatAreNamedExist(t *testing.T) {
	var tests bytes.Buffer
	for _, name := range files(t) {
		if strings.HasSuffix(name, "_test.go") {
			tests.WriteString(read(t, name))
		}
	}
	packaging, err := filepath.Glob(filepath.Join(root, ".package", "*_test.go"))
	if err != nil || len(packaging) == 0 {
		t.Fatalf("tests of the packages: %q, %v", packaging, err)
	}
	for _, name := range packaging {
		tests.WriteString(read(t, ".package/"+filepath.Base(name)))
	}
	for _, d := range documents(t) {
		for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(d.text, -1) {
			if !bytes.Contains(tests.Bytes(), []byte("func "+name+"(")) {
				t.Errorf("%s: there is no %s", d.path, name)
			}
		}
	}
}

func TestEachClaimOfComplianceNamesItsTest(t *testing.T) {
	row := regexp.MustCompile(`^\| [(\d§]`)
	for line := range strings.Lines(read(t, "docs/compliance.md")) {
		if row.MatchString(line) && !strings.Contains(line, "`Test") {
			t.Errorf("no test shows %s", line)
		}
	}
}

func TestMakeTargetsThatAreNamedExist(t *testing.T) {
	targets := regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(read(t, "Makefile"), -1)
	for _, d := range documents(t) {
		for _, m := range regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)").FindAllStringSubmatch(d.text, -1) {
			if !slices.ContainsFunc(targets, func(target []string) bool { return target[1] == m[1] }) {
				t.Errorf("%s: there is no target %s", d.path, m[1])
			}
		}
	}
}
