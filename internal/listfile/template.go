package listfile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"lineboard/internal/packaging"
)

// Templates come from administrators, and run in the server. What they can do is bounded before they run: they go
// through the serial numbers at most one after another, never within each other, and call nothing that makes long
// texts.

// The bounds of what a template writes and makes.
const (
	maxBytesOfSerial = 1 << 10
	maxBytesBeside   = 1 << 20
	maxText          = 4 << 10
	maxPad           = 200
	maxRanges        = 4
	maxTemplateTime  = 5 * time.Minute
)

// What is wrong with a template, whatever it has.
var (
	errTooLong  = &packaging.TemplateFault{Code: packaging.TemplateText, Says: "a text gets too long"}
	errTooSlow  = &packaging.TemplateFault{Code: packaging.TemplateSlow, Says: "it takes too long"}
	errFileLong = &packaging.TemplateFault{Code: packaging.TemplateFile, Says: "the file gets too long"}
	errLong     = &packaging.TemplateFault{Code: packaging.TemplateLong, Says: "it is too long"}
	errSeveral  = &packaging.TemplateFault{
		Code: packaging.TemplateSeveral, Says: "it must be one template, without others in it",
	}
	errRange = &packaging.TemplateFault{
		Code: packaging.TemplateRange, Says: "it may go through .Serials alone, and not within another range",
	}
)

// bounded makes a function of texts fail when its result is too long.
func bounded(f func(string) string) func(string) (string, error) {
	return func(s string) (string, error) {
		if len(s) > maxText {
			return "", errTooLong
		}
		made := f(s)
		if len(made) > 2*maxText {
			return "", errTooLong
		}
		return made, nil
	}
}

// functions are what templates may call, beside comparisons.
var functions = template.FuncMap{
	"csv": bounded(func(s string) string {
		if !strings.ContainsAny(s, ",;\"\r\n\t") {
			return s
		}
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}),
	"json": bounded(func(s string) string {
		made, _ := json.Marshal(s) // a text always has JSON
		return string(made)
	}),
	"xml": bounded(func(s string) string {
		var made bytes.Buffer
		template.HTMLEscape(&made, []byte(s))
		return made.String()
	}),
	"upper": bounded(strings.ToUpper),
	"lower": bounded(strings.ToLower),
	"pad": func(width int, value any) (string, error) {
		s := fmt.Sprint(value)
		if width < 0 || width > maxPad || len(s) > maxText {
			return "", errTooLong
		}
		return strings.Repeat("0", max(0, width-len(s))) + s, nil
	},
	"replace": func(from, to, s string) (string, error) {
		if from == "" || len(s) > maxText || len(to) > 16 {
			return "", errTooLong
		}
		return bounded(func(s string) string { return strings.ReplaceAll(s, from, to) })(s)
	},
	"date": func(layout string, at time.Time) (string, error) {
		if len(layout) > maxPad {
			return "", errTooLong
		}
		return at.Format(layout), nil
	},
}

// comparisons are the functions of text/template that templates may call.
var comparisons = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len"}

// parseTemplate returns a template that does nothing but what templates may.
func parseTemplate(text string, ranges bool) (*template.Template, error) {
	if len(text) > packaging.MaxTemplate {
		return nil, errLong
	}
	t, err := template.New("template").Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	if len(t.Templates()) > 1 || t.Tree == nil || t.Root == nil {
		return nil, errSeveral
	}
	left := maxRanges
	return t, allowed(t.Root, ranges, &left)
}

// allowed fails for what templates must not have. ranges says whether the serial numbers may be gone through here, and
// left how often yet.
func allowed(node parse.Node, ranges bool, left *int) error {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			if err := allowed(child, ranges, left); err != nil {
				return err
			}
		}
		return nil
	case *parse.IfNode:
		return cmp.Or(allowedPipe(n.Pipe), allowed(n.List, ranges, left), allowed(n.ElseList, ranges, left))
	case *parse.WithNode:
		return cmp.Or(allowedPipe(n.Pipe), allowed(n.List, ranges, left), allowed(n.ElseList, ranges, left))
	case *parse.RangeNode:
		source := ""
		if n.Pipe != nil && len(n.Pipe.Cmds) == 1 {
			source = n.Pipe.Cmds[0].String()
		}
		if !ranges || source != ".Serials" && source != "$.Serials" {
			return errRange
		}
		if *left--; *left < 0 {
			return fault(packaging.TemplateRanges, strconv.Itoa(maxRanges), "it may go through .Serials %s times at most")
		}
		return cmp.Or(allowed(n.List, false, left), allowed(n.ElseList, ranges, left))
	case *parse.ActionNode:
		return allowedPipe(n.Pipe)
	case *parse.TextNode, *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
		return nil
	}
	return fault(packaging.TemplateHas, node.String(), "it must not have %s")
}

// allowedPipe fails for a function that templates may not call.
func allowedPipe(pipe *parse.PipeNode) error {
	if pipe == nil {
		return nil
	}
	for _, command := range pipe.Cmds {
		for _, arg := range command.Args {
			switch a := arg.(type) {
			case *parse.IdentifierNode:
				if functions[a.Ident] == nil && !slices.Contains(comparisons, a.Ident) {
					return fault(packaging.TemplateCalls, a.Ident, "it must not call %s")
				}
			case *parse.PipeNode:
				if err := allowedPipe(a); err != nil {
					return err
				}
			case *parse.FieldNode, *parse.VariableNode, *parse.DotNode, *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
			default:
				return fault(packaging.TemplateHas, a.String(), "it must not have %s")
			}
		}
	}
	return nil
}

// writeTemplate writes a document by its own template.
func writeTemplate(w io.Writer, text string, d Document) error {
	t, err := parseTemplate(text, true)
	if err == nil {
		until := time.Now().Add(templateTime)
		limited := &limitedWriter{to: w, left: maxBytesBeside + maxBytesOfSerial*d.Count, until: until}
		late := false
		d.Serials = while(d.Serials, func() bool { late = time.Now().After(until); return !late })
		err = t.Execute(limited, d)
		switch {
		case limited.failed != nil: // what w failed by is no fault of the template
			return limited.failed
		case late && err == nil:
			err = errTooSlow
		}
	}
	if err != nil {
		return badTemplate(err)
	}
	return nil
}

// templateTime is how long a template may take. Tests shorten it.
var templateTime = maxTemplateTime

// while returns a sequence that ends once goesOn says so.
func while[T any](seq iter.Seq[T], goesOn func() bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		for one := range seq {
			if !goesOn() || !yield(one) {
				return
			}
		}
	}
}

// limitedWriter fails after so many bytes, and after a time.
type limitedWriter struct {
	to     io.Writer
	left   int64
	until  time.Time
	failed error // of to
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errFileLong
	}
	if time.Now().After(l.until) {
		return 0, errTooSlow
	}
	n, err := l.to.Write(p)
	if err != nil {
		l.failed = err
	}
	return n, err
}

// samples is how many serial numbers a form is checked with.
const samples = 1_000

// Check fails if a form can't write a list, with a sentence of what is wrong. preview is the beginning of a sample.
func Check(form packaging.ListForm) (preview string, err error) {
	if err := Write(io.Discard, form, Sample(samples)); err != nil {
		return "", err
	}
	var shown bytes.Buffer
	if err := Write(&shown, form, Sample(3)); err != nil {
		return "", err
	}
	text := strings.ToValidUTF8(shown.String(), "�")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text, nil
}
