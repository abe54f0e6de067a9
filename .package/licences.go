package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licencesFile is the name of the file with the licences in each package.
const licencesFile = "LICENCES"

// licenceName is how files with the terms of a licence are named.
var licenceName = regexp.MustCompile(`(?i)^(un)?licen[cs]es?([.-].*)?$|^copying([.-].*)?$|^notice([.-].*)?$`)

// ownModule is the path of the program's module.
const ownModule = "lineboard"

// listed is what go list says of a package.
type listed struct {
	Dir      string
	Standard bool
	Module   *struct{ Path, Version, Dir string }
}

// licences returns the terms of all that is built into the program: Go, each module, and what pages bring along. It fails
// for a module that comes without terms.
func (r release) licences(ctx context.Context, targets []target) ([]byte, error) {
	folders := map[string]map[string]bool{} // of packages, by their module
	roots := map[string]string{}
	for _, t := range targets {
		said, err := r.commandFor(ctx, t, "go", "list", "-deps", "-json=Dir,Standard,Module", ".")
		if err != nil {
			return nil, err
		}
		for d := json.NewDecoder(strings.NewReader(said)); ; {
			var p listed
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, err
			}
			if p.Standard || p.Module == nil || p.Module.Path == ownModule {
				continue
			}
			name := p.Module.Path + " " + p.Module.Version
			if folders[name] == nil {
				folders[name] = map[string]bool{}
			}
			folders[name][p.Dir], roots[name] = true, p.Module.Dir
		}
	}
	var all bytes.Buffer
	all.WriteString("What is built into Lineboard, and its terms.\n")
	goRoot, err := r.command(ctx, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	if err := addTerms(&all, "The Go standard library", []string{goFolder(strings.TrimSpace(goRoot))}); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		if err := addTerms(&all, name, upTo(roots[name], folders[name])); err != nil {
			return nil, err
		}
	}
	for _, path := range []string{"static/vendor/LICENSES.md", ".package/lucide.txt"} {
		text, err := os.ReadFile(filepath.Join(r.source, path))
		if err != nil {
			return nil, err
		}
		heading(&all, "In pages: "+filepath.Base(path))
		all.Write(text)
	}
	return all.Bytes(), nil
}

// goFolder returns where the terms of Go are: in its own folder, or where Debian puts them.
func goFolder(root string) string {
	if _, err := os.Stat(filepath.Join(root, "LICENSE")); err != nil {
		return "/usr/share/doc/golang-go"
	}
	return root
}

// upTo returns the folders of a module's packages with those above them, down from its root.
func upTo(root string, packages map[string]bool) []string {
	all := map[string]bool{root: true}
	for folder := range packages {
		for ; len(folder) > len(root); folder = filepath.Dir(folder) {
			all[folder] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// addTerms adds the files with terms in some folders. It fails if there are none.
func addTerms(all *bytes.Buffer, name string, folders []string) error {
	found := 0
	for _, folder := range folders {
		files, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, file := range files {
			if file.IsDir() || !licenceName.MatchString(file.Name()) || strings.HasSuffix(file.Name(), ".go") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(folder, file.Name()))
			if err != nil {
				return err
			}
			within, err := filepath.Rel(folders[0], filepath.Join(folder, file.Name()))
			if err != nil {
				return err
			}
			heading(all, name+" · "+filepath.ToSlash(within))
			all.Write(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
			found++
		}
	}
	if found == 0 {
		return fmt.Errorf("%s comes without a licence", name)
	}
	return nil
}

func heading(all *bytes.Buffer, text string) {
	fmt.Fprintf(all, "\n%[1]s\n%[2]s\n%[1]s\n\n", strings.Repeat("=", 100), text)
}
