package gs1

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"lineboard/internal/packaging"
)

//go:embed identifiers.txt
var identifiers string

// format says what a field may hold.
type format struct {
	predefined bool // the length is fixed, and no separator follows
	components []component
	min, max   int // characters of all components
}

// component is a part of a value.
type component struct {
	set        byte // N, X, Y or Z
	min, max   int
	checkDigit bool // its last digit is a check digit
	date       bool // YYMMDD
}

// formats are the formats by application identifier. No identifier is a prefix of another.
var formats = func() map[string]format {
	all := map[string]format{}
	for line := range strings.Lines(identifiers) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		f, err := parseFormat(words[1:])
		first, last, isRange := strings.Cut(words[0], "-")
		if !isRange {
			last = first
		}
		from, errFrom := strconv.Atoi(first)
		to, errTo := strconv.Atoi(last)
		if err != nil || errFrom != nil || errTo != nil {
			panic("identifiers.txt: " + line)
		}
		for ai := from; ai <= to; ai++ {
			all[fmt.Sprintf("%0*d", len(first), ai)] = f
		}
	}
	return all
}()

func parseFormat(words []string) (f format, err error) {
	for _, word := range words {
		if word == "*" {
			f.predefined = true
			continue
		}
		specification := strings.Trim(word, "[]")
		rules := strings.Split(specification, ",")
		c := component{set: rules[0][0]}
		length, isVariable := strings.CutPrefix(rules[0][1:], "..")
		if c.max, err = strconv.Atoi(length); err != nil {
			return f, err
		}
		if c.min = c.max; isVariable {
			c.min = 1
		}
		for _, rule := range rules[1:] {
			c.checkDigit = c.checkDigit || rule == "csum"
			c.date = c.date || rule == "yymmdd" || rule == "yymmd0"
		}
		f.components = append(f.components, c)
		f.max += c.max
		if specification == word { // it may not be missing
			f.min += c.min
		}
	}
	return f, nil
}

// identifier returns the application identifier at the start of a text, and its format.
func identifier(text string) (ai string, f format, ok bool) {
	for length := 2; length <= 4 && length <= len(text); length++ {
		if f, ok := formats[text[:length]]; ok {
			return text[:length], f, true
		}
	}
	return "", f, false
}

// mayHold reports whether a character is in a component's character set.
func (c component) mayHold(character byte) bool {
	isDigit := character >= '0' && character <= '9'
	isCapital := character >= 'A' && character <= 'Z'
	switch c.set {
	case 'N':
		return isDigit
	case 'Y':
		return isDigit || isCapital || strings.IndexByte("#-/", character) >= 0
	case 'Z':
		return isDigit || isCapital || character >= 'a' && character <= 'z' || strings.IndexByte("-_=", character) >= 0
	}
	return packaging.InCSET82(string(character))
}
