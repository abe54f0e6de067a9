package app

import (
	"bytes"
	"context"
	"errors"
	"strings"
)

// service is the command that puts Lineboard under the service manager of Windows. Elsewhere the packages bring a unit.
type service struct {
	Action string `arg:"" enum:"install,remove,start,stop" help:"install, remove, start or stop."`
}

// errNotWindows is what service says on other systems.
var errNotWindows = errors.New(
	"lineboard service is for Windows: here the packages bring what the service manager needs",
)

// firstSettings returns the settings file of a new installation on Windows, whose data is in a folder.
func firstSettings(data string) string {
	return "# Settings of Lineboard: the flags of `lineboard serve` by their names. " +
		"Then: lineboard service stop, and start.\r\n" +
		"addr: 127.0.0.1:8080\r\ndata: '" + strings.ReplaceAll(data, "'", "''") + "'\r\n"
}

// managed is a command that a service manager begins and ends.
type managed struct {
	command func(run) error
	process run
	failed  func(error) // hears how the command ended when nobody asked it to

	stop  context.CancelFunc
	ended chan error
}

// begin starts the command and returns at once.
func (m *managed) begin() {
	m.ended = make(chan error, 1)
	m.process.Context, m.stop = context.WithCancel(m.process.Context)
	go func() {
		err := m.command(m.process)
		m.ended <- err
		if m.process.Err() == nil {
			m.failed(err)
		}
	}()
}

// end asks the command to end, and waits until it has: a release that was sent gets its outcome.
func (m *managed) end() error {
	m.stop()
	return <-m.ended
}

// eventLog passes on each line of a log by its level, as a service manager keeps it. What has no level is information.
type eventLog struct {
	failure, warning, information func(line string) error
}

// Write passes a line on. The log writes each line at once.
func (e eventLog) Write(line []byte) (int, error) {
	text := string(bytes.TrimRight(line, "\n"))
	send := e.information
	switch {
	case hasLevel(line, "ERROR"):
		send = e.failure
	case hasLevel(line, "WARN"):
		send = e.warning
	}
	if text == "" {
		return len(line), nil
	}
	if err := send(text); err != nil {
		return 0, err
	}
	return len(line), nil
}

// hasLevel reports whether a line of a log, in either format, has a level.
func hasLevel(line []byte, level string) bool {
	return bytes.Contains(line, []byte(" level="+level+" ")) || bytes.Contains(line, []byte(`"level":"`+level+`"`))
}
