// Lineboard is a web dashboard for the people who run serialised packaging lines. It shows each line's packaging
// orders, releases them to their line through the Manufacturer V2 API, and keeps a history that nobody can rewrite.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"lineboard/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.Run(ctx, os.Args[1:], app.Process{Getenv: os.Getenv, Stdout: os.Stdout, Stderr: os.Stderr})
	stop()
	if err != nil {
		var said interface{ Said() }
		if !errors.As(err, &said) {
			fmt.Fprintln(os.Stderr, "lineboard:", err)
		}
		var own interface{ ExitCode() int }
		if errors.As(err, &own) {
			os.Exit(own.ExitCode())
		}
		os.Exit(1)
	}
}
