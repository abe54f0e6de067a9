//go:build !race

package orders_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/testkit/site"
)

// It runs by itself: what runs beside it would count. Each list has as many bytes as one may have, or entries.
func TestALongListIsAddedWithin200MiBOfMemory(t *testing.T) {
	_, b, o := lost(t, "cut_after")
	b.Post(handlerstest.OrderPath(o, "/ask"))
	const most = 23 << 20 // bytes, with room for the form
	repeat := func(start, text string) func(io.Writer) {
		return func(w io.Writer) {
			_, _ = io.WriteString(w, start)
			for range (most - len(start)) / len(text) {
				_, _ = io.WriteString(w, text)
			}
		}
	}
	whole := func(w io.Writer) {
		for i := range 1_000_000 {
			_, _ = fmt.Fprintf(w, "S%019d\n", i)
		}
	}
	for _, c := range []struct {
		name  string
		write func(io.Writer)
		says  string
		form  map[string]string
		want  int
	}{
		{"one row", repeat("serial", ","), "more than 100 fields", nil, http.StatusUnprocessableEntity},
		{"one row over lines", repeat("serial,x\n", "\"\n\","), "more than 100 fields", nil, http.StatusUnprocessableEntity},
		{"one line", repeat("", "x"), "more than 1,024 characters", nil, http.StatusUnprocessableEntity},
		{"short lines", repeat("", "a\n"), "more than 1,000,000", nil, http.StatusUnprocessableEntity},
		{"short texts", repeat(`["a"`, `,""`), "more than 1,000,000", nil, http.StatusUnprocessableEntity},
		{"a deep text", repeat(`{"x":`, `[`), "begins as JSON", nil, http.StatusUnprocessableEntity},
		{"what a page must escape", repeat("", "\"\"\"\n"), "more than 1,000,000", nil, http.StatusUnprocessableEntity},
		{"as many as may be, odd", whole, "1,000,000", nil, http.StatusUnprocessableEntity},
		{"as many as may be", whole, "", map[string]string{"confirm": "yes"}, http.StatusSeeOther},
	} {
		var a site.Answer
		took := handlerstest.Took(t, func() { // with the browser's part
			a = handlerstest.Upload(b, handlerstest.OrderPath(o, "/list"), c.form, "list.csv", c.write)
		})
		t.Logf("%s: %d MiB above rest", c.name, took)
		if took > 200 {
			t.Errorf("%s took %d MiB above rest", c.name, took)
		}
		if a.Status != c.want || !strings.Contains(a.Body, c.says) {
			t.Errorf("%s: %d %.300s", c.name, a.Status, a.Text("main"))
		}
	}
}

// A site adds one list at a time, from before it is read: each takes memory for all of it.
func TestASiteAddsOneListAtATime(t *testing.T) {
	t.Parallel()
	s, b, o := lost(t, "cut_after")
	b.Post(handlerstest.OrderPath(o, "/ask"))
	to := handlerstest.OrderPath(o, "/list")
	begun, end, done := make(chan struct{}), make(chan struct{}), make(chan site.Answer, 1)
	go func() {
		done <- handlerstest.Upload(b, to, nil, "list.csv", func(w io.Writer) {
			// More than waits on its way: the server reads it by now.
			_, _ = io.WriteString(w, strings.Repeat(strings.Repeat("S", 999)+"\n", 16<<10))
			close(begun)
			<-end
		})
	}()
	<-begun
	other := s.SignIn("supervisor1")
	if a := other.Post(to, "list", "S1"); a.Status != http.StatusConflict ||
		!strings.Contains(a.Body, "Another list of serial numbers is being added") {
		t.Errorf("a second list beside the first: %d %.300s", a.Status, a.Text("main"))
	}
	close(end)
	if a := <-done; a.Status != http.StatusUnprocessableEntity {
		t.Errorf("the first: %d %.300s", a.Status, a.Text("main"))
	}
	if a := other.Post(to, "list", "S1"); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("after it: %d %.300s", a.Status, a.Text("main"))
	}
}

// What of a large list waits in a file while it is read does not stay there: it has serial numbers.
func TestALargeListLeavesNoFileBehind(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	_, b, o := lost(t, "cut_after")
	b.Post(handlerstest.OrderPath(o, "/ask"))
	a := handlerstest.Upload(b, handlerstest.OrderPath(o, "/list"), nil, "list.csv", func(w io.Writer) {
		for i := range 300_000 {
			_, _ = fmt.Fprintf(w, "S%019d\n", i)
		}
	})
	if a.Status != http.StatusUnprocessableEntity {
		t.Fatalf("%d %.300s", a.Status, a.Text("main"))
	}
	if left, err := filepath.Glob(filepath.Join(folder, "multipart-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}
