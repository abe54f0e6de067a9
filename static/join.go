package static

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// Style sheets and scripts are written in parts and joined at start, so that a page takes one of each. Comments that
// have lines of their own are left out: they are a quarter of what would go over the network.
var commentLines = regexp.MustCompile(`(?m)^[ \t]*(?://.*|/\*(?s:.*?)\*/)\n`)

// indents are what begins the lines of a style sheet, where it says nothing, and empty lines.
var indents = regexp.MustCompile(`(?m)^(?:[ \t]+|\n)`)

var importRule = regexp.MustCompile(`(?m)^@import url\(([^)]+)\)(?: layer\((\w+)\))?;$`)

// joinSheet returns the style sheet of that name with the sheets that it imports in place of its @import rules, each in
// its layer.
func (l *library) joinSheet(fsys fs.FS, name string) ([]byte, error) {
	css, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	var failed error
	css = importRule.ReplaceAllFunc(css, func(rule []byte) []byte {
		parts := importRule.FindSubmatch(rule)
		imported, err := l.joinSheet(fsys, path.Join(path.Dir(name), string(parts[1])))
		if err != nil {
			failed = fmt.Errorf("%s: %w", name, err)
			return nil
		}
		if layer := string(parts[2]); layer != "" {
			return fmt.Appendf(nil, "@layer %s {\n%s}\n", layer, imported)
		}
		return imported
	})
	if failed != nil {
		return nil, failed
	}
	return l.resolve(name, indents.ReplaceAll(commentLines.ReplaceAll(css, nil), nil))
}

var (
	importStatement = regexp.MustCompile(`(?m)^import (\{[^}]+\}) from "([^"]+)";\n`)
	exportStatement = regexp.MustCompile(`(?m)^export ((?:async function|function|const) ([\w$]+))`)
	otherStatement  = regexp.MustCompile(`(?m)^(?:import|export)\b.*`)
)

// joinScript returns the module of that name and all that it imports as one classic script, which starts sooner than
// many files over a slow network. In it a module is a function that returns what it exports. A script that imports
// nothing is returned as it is.
//
// Modules may import by names in braces, and export functions and constants where they declare them; joinScript fails
// when they do more, and when they import each other in a circle.
func joinScript(fsys fs.FS, name string) ([]byte, error) {
	source, err := fs.ReadFile(fsys, name)
	if err != nil || !importStatement.Match(source) {
		return source, err
	}
	j := joiner{fsys: fsys, complete: map[string]bool{}}
	j.out.WriteString("(() => {\n\"use strict\";\nconst modules = {};\n")
	if err := j.write(name); err != nil {
		return nil, err
	}
	j.out.WriteString("})();\n")
	return j.out.Bytes(), nil
}

type joiner struct {
	fsys     fs.FS
	complete map[string]bool // by module; false while its imports are being written
	out      bytes.Buffer
}

// write writes a module after those that it imports, each once.
func (j *joiner) write(name string) error {
	if complete, begun := j.complete[name]; complete {
		return nil
	} else if begun {
		return fmt.Errorf("%s is imported by what it imports", name)
	}
	j.complete[name] = false
	source, err := fs.ReadFile(j.fsys, name)
	if err != nil {
		return err
	}
	for _, statement := range importStatement.FindAllSubmatch(source, -1) {
		if err := j.write(path.Join(path.Dir(name), string(statement[2]))); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	source = importStatement.ReplaceAllFunc(source, func(statement []byte) []byte {
		parts := importStatement.FindSubmatch(statement)
		imported := path.Join(path.Dir(name), string(parts[2]))
		return fmt.Appendf(nil, "const %s = modules[%q];\n", parts[1], imported)
	})
	var exported []string
	for _, statement := range exportStatement.FindAllSubmatch(source, -1) {
		exported = append(exported, string(statement[2]))
	}
	source = exportStatement.ReplaceAll(source, []byte("$1"))
	if other := otherStatement.Find(source); other != nil {
		return fmt.Errorf("%s: joinScript does not know %q", name, other)
	}
	source = commentLines.ReplaceAll(source, nil)
	fmt.Fprintf(&j.out, "modules[%q] = (() => {\n%sreturn { %s };\n})();\n", name, source, strings.Join(exported, ", "))
	j.complete[name] = true
	return nil
}
