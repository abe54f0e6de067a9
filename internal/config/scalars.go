package config

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// firstNotUTF8 returns the line of the first byte that is not UTF-8; ok is false if there is none.
func firstNotUTF8(text []byte) (line int, ok bool) {
	line = 1
	for part := range bytes.Lines(text) {
		if !utf8.Valid(part) {
			return line, true
		}
		line++
	}
	return 0, false
}

// Limits of a file. What is longer or deeper is no site, and would keep the parser busy for hours.
const (
	maxFile  = 1 << 20
	maxDepth = 500
)

// firstTooDeep returns the line at which brackets, or the marks of lists in one line, stand too deep; ok is false if
// there is none. It counts brackets in texts too: so many stand in none.
func firstTooDeep(text []byte) (line int, ok bool) {
	line = 1
	depth := 0
	for part := range bytes.Lines(text) {
		for _, c := range part {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
			if depth > maxDepth {
				return line, true
			}
		}
		if bytes.Count(part, []byte("- "))+bytes.Count(part, []byte("? ")) > maxDepth {
			return line, true
		}
		line++
	}
	return 0, false
}

// readFile reads a file that has no more bytes than one may have, and one byte more of a longer one.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFile+1))
}

// asWritten makes every scalar of a file the text that stands there. YAML would read the code 010 as the number 8.
// It fails at a tag, which asks for another reading.
func asWritten(file *ast.File) error {
	var w textWalk
	for _, document := range file.Docs {
		ast.Walk(&w, document)
	}
	return w.err
}

// textWalk turns scalars into texts, and stops at the first tag.
type textWalk struct{ err error }

// Visit is called for each node before what is below it.
func (w *textWalk) Visit(node ast.Node) ast.Visitor {
	switch n := node.(type) {
	case *ast.TagNode:
		w.err = fmt.Errorf("line %d: tags such as %s are not read; leave it out", n.Start.Position.Line, n.Start.Value)
		return nil
	case *ast.MappingValueNode:
		n.Value = text(n.Value)
	case *ast.SequenceNode:
		for i := range n.Values {
			n.Values[i] = text(n.Values[i])
		}
	case *ast.AnchorNode:
		n.Value = text(n.Value)
	}
	if w.err != nil {
		return nil
	}
	return w
}

// text returns a scalar as the text that stands in the file, and any other node as it is.
func text(node ast.Node) ast.Node {
	switch node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		at := node.GetToken()
		return ast.String(token.String(at.Value, at.Value, at.Position))
	}
	return node
}
