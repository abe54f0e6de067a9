package app

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hears returns what a supervisor is told, message by message.
func hears(t *testing.T) (socket string, said <-chan string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	messages := make(chan string, 1000)
	go func() {
		buffer := make([]byte, 1024)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				close(messages)
				return
			}
			messages <- string(buffer[:n])
		}
	}()
	return socket, messages
}

// next returns the next message that is not of the kind skipped.
func next(t *testing.T, said <-chan string, skipped string) string {
	t.Helper()
	for limit := time.After(60 * time.Second); ; {
		select {
		case message := <-said:
			if !strings.HasPrefix(message, skipped) {
				return message
			}
		case <-limit:
			t.Fatal("nothing is said")
		}
	}
}

func TestTheServiceManagerHearsOfReadinessLifeAndStop(t *testing.T) {
	socket, said := hears(t)
	env := with(map[string]string{"NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "90000"})
	s := start(
		t, env, "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--provision", site(t, "http://127.0.0.1:1"),
	)
	if message := next(t, said, "WATCHDOG"); message != "READY=1" {
		t.Errorf("first: %q", message)
	}
	for range 2 {
		if message := next(t, said, "READY"); message != "WATCHDOG=1" {
			t.Errorf("then: %q", message)
		}
	}
	s.end(t)
	if message := next(t, said, "WATCHDOG"); message != "STOPPING=1" {
		t.Errorf("at last: %q", message)
	}
}
