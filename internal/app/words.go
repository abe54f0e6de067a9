package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// worded is an error as a person at a console reads it.
type worded struct {
	error
	text string
}

func (w worded) Error() string { return w.text }

// Unwrap returns the error as the program knows it.
func (w worded) Unwrap() error { return w.error }

// inWords returns an error with the sentence of its code, where it has one, in place of the code's name.
func inWords(err error) error {
	var coded *packaging.Error
	if err == nil || !errors.As(err, &coded) {
		return err
	}
	var gaps []any
	for name, value := range coded.Args {
		gaps = append(gaps, name, value)
	}
	said := text.Say(text.With(context.Background(), text.In(text.English, time.Local)), coded.Key, gaps...)
	if coded.Err != nil {
		said += " (" + coded.Err.Error() + ")"
	}
	return worded{err, strings.ReplaceAll(err.Error(), coded.Error(), said)}
}
