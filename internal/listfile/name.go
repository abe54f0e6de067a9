package listfile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"lineboard/internal/packaging"
)

// The longest value and the longest part of a file's path, in bytes.
const (
	maxValue = 100
	maxPart  = 200
)

// FileName returns the path of a document's file below its root, with slashes. Values of the order can't lead
// elsewhere: what does not belong into a name is replaced, and a mark of the whole value keeps the names apart.
func FileName(text string, d Document) (string, error) {
	t, err := parseTemplate(text, false)
	if err != nil {
		return "", badTemplate(err)
	}
	for _, value := range []*string{
		&d.Order, &d.Line, &d.LineName, &d.Product, &d.GTIN, &d.Lot, &d.Expiry, &d.Quantity,
	} {
		*value = cleanValue(*value)
	}
	d.Serials = nil
	var made strings.Builder
	if err := t.Execute(&made, d); err != nil {
		return "", badTemplate(err)
	}
	name := made.String()
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || len(part) > maxPart || isReserved(part) || part != strings.Trim(part, ". ") ||
			strings.ContainsFunc(part, isUnfit) {
			return "", badTemplate(fault(packaging.TemplateUnfit, part, "%q can't name a file everywhere"))
		}
	}
	if path.Clean(name) != name || path.IsAbs(name) {
		return "", badTemplate(fault(packaging.TemplateLeads, name, "%q leads elsewhere"))
	}
	return name, nil
}

func badTemplate(err error) error {
	failure := &packaging.DeliveryFailure{Problem: packaging.BadTemplate, Detail: err.Error()}
	_ = errors.As(err, &failure.Fault)
	return failure
}

// fault returns what is wrong with a template, with what stands in the gap of its form.
func fault(code, what, form string) *packaging.TemplateFault {
	return &packaging.TemplateFault{Code: code, What: what, Says: fmt.Sprintf(form, what)}
}

var errSameName = &packaging.TemplateFault{
	Code: packaging.TemplateSameName, Says: "two lists would get the same name: it needs .Order and .Number, or .ID",
}

// isUnfit says whether a character can't be in the name of a file everywhere.
func isUnfit(r rune) bool {
	return r < ' ' || r == utf8.RuneError || strings.ContainsRune(`/\:*?"<>|`, r) || unicode.Is(unicode.Cf, r) ||
		unicode.IsControl(r)
}

// reserved are names that Windows keeps for devices.
var reserved = func() map[string]bool {
	names := map[string]bool{"CON": true, "PRN": true, "AUX": true, "NUL": true, "CONIN$": true, "CONOUT$": true}
	for _, digit := range "0123456789¹²³" {
		names["COM"+string(digit)], names["LPT"+string(digit)] = true, true
	}
	return names
}()

func isReserved(name string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(name), ".")
	return reserved[strings.TrimRight(base, " ")]
}

// cleanValue returns a value as a part of a file's name. One that had to be changed ends in a mark of what it was, so
// that different values stay different.
func cleanValue(value string) string {
	clean := strings.Map(func(r rune) rune {
		if isUnfit(r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(value, "_"))
	if trimmed := strings.Trim(clean, ". "); trimmed != clean {
		clean = "_" + trimmed
	}
	if len(clean) > maxValue {
		clean = strings.ToValidUTF8(clean[:maxValue-20], "")
	}
	if clean == value && !isReserved(clean) && clean != "" {
		return clean
	}
	if isReserved(clean) {
		clean = "_" + clean
	}
	sum := sha256.Sum256([]byte(value))
	return fmt.Sprintf("%s~%x", clean, sum[:4])
}

// DefaultFileName is how files of a format are named where the administrator says nothing else.
func DefaultFileName(format packaging.ListFormat) string {
	ending := map[packaging.ListFormat]string{
		packaging.CSVFormat: "csv", packaging.JSONFormat: "json", packaging.TextFormat: "txt",
		packaging.OwnFormat: "txt",
	}[format]
	return "{{.Order}}-{{.Number}}." + ending
}

// CheckFileName fails if a template can't name files, or if it gives two lists the same name. It returns a name.
func CheckFileName(text string) (string, error) {
	names := map[string]bool{}
	first := ""
	for _, of := range []struct {
		order  string
		number int
	}{{"4711/A", 1}, {"4711/A", 2}, {"4712", 1}} {
		d := Sample(1)
		d.Order, d.Number, d.ID = of.order, of.number, fmt.Sprintf("%032x", len(names))
		name, err := FileName(text, d)
		if err != nil {
			return "", err
		}
		if names[name] {
			return "", badTemplate(errSameName)
		}
		names[name] = true
		if first == "" {
			first = name
		}
	}
	return first, nil
}
