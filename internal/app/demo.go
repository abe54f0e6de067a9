package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"lineboard/internal/config"
	"lineboard/internal/sandbox"
	"lineboard/views/signin"
)

type demo struct {
	settings
}

// Run serves the demo. Its data begins anew at each start, as the sandbox's orders do; a folder that was named stays.
// New data gets a past week.
func (d *demo) Run(p run) error {
	if d.Data == "" {
		folder, err := os.MkdirTemp("", "lineboard-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		d.Data = folder
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	clock := &demoClock{}
	box := sandbox.New(sandbox.Options{Now: clock.Now})
	remote := &http.Server{Handler: box, ReadHeaderTimeout: headerLimit}
	go remote.Serve(listener) //nolint:errcheck // ends with Close
	defer remote.Close()
	file, err := config.Demo("http://" + listener.Addr().String())
	if err != nil {
		return err
	}
	if err := d.makePast(p, box, clock, siteOf(file)); err != nil {
		return err
	}
	people := demoPeople(file)
	return d.serve(p, siteOf(file), people, func(address string) { d.welcome(p.Stdout, address, people) })
}

func demoPeople(file config.Provisioning) (people []signin.DemoPerson) {
	for _, u := range file.Tenants[0].Users {
		people = append(people, signin.DemoPerson{
			Username: u.Username, Password: config.DemoPassword, Role: u.JoinedRole(),
		})
	}
	return people
}

func (d *demo) welcome(w io.Writer, address string, people []signin.DemoPerson) {
	fmt.Fprintf(w, "\n  Lineboard demo: %s\n\n", address)
	fmt.Fprintf(w, "  Sign in as %s with password %s, or as:\n", people[0].Username, config.DemoPassword)
	for _, person := range people[1:] {
		fmt.Fprintf(w, "    %s\n", person.Username)
	}
	fmt.Fprintf(w, "\n  Data: %s\n  Stop: Ctrl+C\n\n", d.Data)
}
