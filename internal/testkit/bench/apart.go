package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"time"
)

// pressesApart is the argument with which this program runs itself as a browser that presses, and as the road to the
// sandbox. The browsers of whoever else works are in this process: on a site, each has a machine of its own.
const pressesApart = "presses-apart"

// pressPath is where the process takes presses. The sandbox has no such path.
const pressPath = "/bench/press"

// aPress is a press that another process does.
type aPress struct {
	Server  string // its address
	Cookies []*http.Cookie
	Path    string // of the order
	Form    url.Values
	Key     string // of the order
}

// servePresses presses as it is told, and answers with the nanoseconds from the press until its call left. Everything
// else goes to the sandbox.
func servePresses(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return errors.New(pressesApart + " needs the address of the sandbox")
	}
	w, err := newWatch(args[0])
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", w)
	mux.HandleFunc("POST "+pressPath, func(out http.ResponseWriter, r *http.Request) {
		took, err := w.press(r)
		if err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(out, took.Nanoseconds())
	})
	return serveHere(ctx, mux, stdout)
}

func (w *watch) press(r *http.Request) (left time.Duration, err error) {
	var told aPress
	if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
		return 0, err
	}
	at, err := url.Parse(told.Server)
	if err != nil {
		return 0, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return 0, err
	}
	jar.SetCookies(at, told.Cookies)
	p := newPerson(&program{base: told.Server, said: &tail{}}, jar)
	began := time.Now()
	if _, err := p.press(r.Context(), order{told.Path, told.Form}); err != nil {
		return 0, err
	}
	call := w.left(told.Key)
	if call.IsZero() {
		return 0, fmt.Errorf("%w %s", errRefused, told.Key)
	}
	return call.Sub(began), nil
}

// startPresses starts the process that presses.
func (b *bench) startPresses(ctx context.Context) (*program, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return b.start(ctx, "presses", self, pressesApart, b.remote.base)
}

// pressApart has the other process press as this person.
func (p *person) pressApart(
	ctx context.Context, presses *program, o order, key string,
) (left time.Duration, err error) {
	at, err := url.Parse(p.server.base)
	if err != nil {
		return 0, err
	}
	body, err := json.Marshal(aPress{p.server.base, p.client.Jar.Cookies(at), o.path, o.form, key})
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, presses.base+pressPath, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	if answer.StatusCode != http.StatusOK {
		return 0, p.unexpected("the press of "+key, answer.StatusCode, text)
	}
	_, err = fmt.Sscan(string(text), &left)
	return left, err
}
