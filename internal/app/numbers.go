package app

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"

	"github.com/alecthomas/kong"
)

// plainNumber is a number as people write it. Readers of Go take 010 for 8, and NaN for a limit that is never reached.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// numbers are how flags take numbers.
func numbers() kong.Option {
	return kong.OptionFunc(func(k *kong.Kong) error {
		for _, kind := range []reflect.Kind{reflect.Int, reflect.Float64} {
			if err := kong.KindMapper(kind, kong.MapperFunc(decodeNumber)).Apply(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// decodeNumber reads the number of a flag.
func decodeNumber(ctx *kong.DecodeContext, target reflect.Value) (err error) {
	var text string
	if err := ctx.Scan.PopValueInto("number", &text); err != nil {
		return err
	}
	if !plainNumber.MatchString(text) {
		return fmt.Errorf("expected a number such as 7, but got %q", text)
	}
	if target.Kind() == reflect.Int {
		var n int
		n, err = strconv.Atoi(text)
		target.SetInt(int64(n))
		return err
	}
	n, err := strconv.ParseFloat(text, 64)
	target.SetFloat(n)
	return err
}
