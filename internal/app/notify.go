package app

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"
)

// supervisor is the service manager that started the program, as systemd names it: a socket that takes messages.
// Without one nothing is told.
type supervisor struct {
	socket   string
	watchdog time.Duration // within which it wants a sign of life; 0 for never
}

// supervisorOf returns the supervisor that the environment names.
func supervisorOf(getenv func(string) string) supervisor {
	s := supervisor{socket: getenv("NOTIFY_SOCKET")}
	if micros, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && micros > 0 {
		s.watchdog = time.Duration(micros) * time.Microsecond
	}
	return s
}

// tell sends a message, such as "READY=1". A supervisor that does not listen is no fault of the program.
func (s supervisor) tell(message string) {
	if s.socket == "" {
		return
	}
	name := s.socket
	if strings.HasPrefix(name, "@") {
		name = "\x00" + name[1:] // Linux: a name that is no file
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(message))
}

// guard tells the supervisor that the program lives, until ctx ends. A full disk or a database that fails is no reason
// to be killed: answers of the API may wait for it.
func (s supervisor) guard(ctx context.Context) error {
	if s.socket == "" || s.watchdog == 0 {
		return nil
	}
	for {
		s.tell("WATCHDOG=1")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.watchdog / 3):
		}
	}
}
