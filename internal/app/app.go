// Package app is the program: its commands, a file each, and [Build], the one place where Lineboard is put together.
package app

import (
	"context"
	"io"
	"log/slog"
	_ "time/tzdata" // sites are shown in their own zone, even on a machine without zone files

	"github.com/alecthomas/kong"
)

// commands are what the program can do.
type commands struct {
	Serve     serve         `cmd:"" help:"Serve the dashboard."`
	Demo      demo          `cmd:"" help:"Serve the dashboard with the sandbox, sample lines, orders and people, and a past week."`
	Verify    verify        `cmd:"" help:"Check that nobody changed the history. Lineboard may be running."`
	Backup    backup        `cmd:"" help:"Copy the database to a file. Lineboard may be running."`
	Restore   restore       `cmd:"" help:"Put a backup in the place of the database. Lineboard must not be running."`
	Follow    follow        `cmd:"" help:"Keep the copy of another Lineboard at hand on a standby, so that promote is fast."`
	Promote   promote       `cmd:"" help:"Take over from another Lineboard, with what its copy has. Lineboard must not be running here."`
	Doctor    doctorCommand `cmd:"" help:"Examine the installation: files, disks, data, certificate, API. It only reads."`
	Version   version       `cmd:"" help:"Print the version."`
	Sandbox   sandboxed     `cmd:"" help:"Serve the sandbox alone: a stand-in for the Manufacturer V2 API."`
	RotateKey rotateKey     `cmd:"" help:"Change the key that seals the credentials. Lineboard must not be running."`
	Service   service       `cmd:"" help:"Install Lineboard as a service of Windows, remove, start or stop it."`

	Config string `placeholder:"FILE" help:"Settings file (YAML): the flags of serve by their names."`
}

const description = "A dashboard for serialised packaging lines. " +
	"Every flag can also be set in the environment, --data as LINEBOARD_DATA, and in the file of --config. " +
	"A flag goes over the environment, and that over the file."

// Process is what a command gets from the process that it runs in.
type Process struct {
	Getenv         func(name string) string
	Stdout, Stderr io.Writer
}

// run is what a command gets while it runs.
type run struct {
	context.Context
	Process
}

// Run carries out the command line. It ends when ctx does, with everything stored and closed. An error is a sentence
// for the person who started the program.
func Run(ctx context.Context, args []string, p Process) error {
	hearLibraries(slog.New(slog.NewTextHandler(p.Stderr, nil)))
	helped := false
	var sources sources
	parser, err := kong.New(
		&commands{},
		kong.Name("lineboard"),
		kong.Description(description),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(int) { helped = true }),
		kong.Bind(p, &sources),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		numbers(),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return sources.locate(err)
	}
	return sources.locate(inWords(command.Run(run{ctx, p})))
}
