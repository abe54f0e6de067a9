package app

import (
	"fmt"
	"time"

	"lineboard/internal/sandbox"
)

type sandboxed struct {
	Addr string `default:"localhost:8090" help:"Address to listen on."`
}

// Run serves the sandbox with the sample orders.
func (s *sandboxed) Run(p run) error {
	return server{addr: s.Addr, handler: sampleSandbox(), announce: func(address string) {
		fmt.Fprintf(p.Stdout, "The sandbox is at %s, with the credentials of the API's documentation\n", address)
	}}.run(p)
}

func sampleSandbox() *sandbox.Sandbox {
	box := sandbox.New(sandbox.Options{})
	box.Put(sandbox.Sample(time.Now())...)
	return box
}
