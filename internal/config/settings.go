package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Setting is a value of a settings file, or a list of them, and the line on which it stands.
type Setting struct {
	Values []string
	Line   int
}

// Joined returns the setting as a flag takes it whose values stand between separators.
func (s Setting) Joined(separator string) string {
	if len(s.Values) == 1 {
		return s.Values[0]
	}
	var all []string
	for _, v := range s.Values {
		all = append(all, strings.ReplaceAll(v, separator, `\`+separator))
	}
	return strings.Join(all, separator)
}

// ReadSettings returns the settings of a YAML file by their names. Its error lists all mistakes: names that are not
// known, with their lines, and values that are neither a text nor a list of texts.
func ReadSettings(path string, known func(name string) bool) (map[string]Setting, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("the settings file can't be read: %w", err)
	}
	settings, err := parseSettings(text, known)
	if err != nil {
		return nil, fmt.Errorf("settings file %s:\n%w", path, err)
	}
	return settings, nil
}

func parseSettings(text []byte, known func(name string) bool) (map[string]Setting, error) {
	file, err := parsed(text)
	if err != nil {
		return nil, err
	}
	all := map[string]Setting{}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return all, nil
	}
	var pairs []*ast.MappingValueNode
	switch body := file.Docs[0].Body.(type) {
	case *ast.MappingNode:
		pairs = body.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{body}
	case *ast.CommentGroupNode, *ast.NullNode:
	default:
		return nil, fmt.Errorf("line %d: settings are lines such as addr: :8080", body.GetToken().Position.Line)
	}
	var wrong []error
	for _, pair := range pairs {
		name, line := pair.Key.GetToken().Value, pair.Key.GetToken().Position.Line
		values, ok := valuesOf(pair.Value)
		switch {
		case !known(name):
			wrong = append(
				wrong, fmt.Errorf("line %d: there is no setting %s; lineboard serve --help lists them", line, name),
			)
		case !ok:
			wrong = append(wrong, fmt.Errorf("line %d: %s needs a value, or a list of values", line, name))
		default:
			all[name] = Setting{values, line}
		}
	}
	return all, errors.Join(wrong...)
}

// valuesOf returns a scalar as it is written, or the elements of a list.
func valuesOf(node ast.Node) (values []string, ok bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return []string{n.Value}, true
	case *ast.LiteralNode:
		return []string{n.Value.Value}, true
	case *ast.SequenceNode:
		for _, element := range n.Values {
			value, ok := element.(*ast.StringNode)
			if !ok {
				return nil, false
			}
			values = append(values, value.Value)
		}
	}
	return values, len(values) > 0
}

// parsed reads a file of one YAML document whose scalars are texts.
func parsed(text []byte) (*ast.File, error) {
	if len(text) > maxFile {
		return nil, errors.New("the file is larger than 1 MiB")
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if line, ok := firstTooDeep(text); ok {
		return nil, fmt.Errorf("line %d: brackets and lists stand in each other more than %d deep", line, maxDepth)
	}
	if line, ok := firstNotUTF8(text); ok {
		return nil, fmt.Errorf("line %d: this is not UTF-8; save the file as UTF-8", line)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, plain(err)
	}
	if len(file.Docs) > 1 && file.Docs[1].Body != nil {
		return nil, fmt.Errorf("line %d: this must be one YAML document", file.Docs[1].Body.GetToken().Position.Line)
	}
	return file, asWritten(file)
}
