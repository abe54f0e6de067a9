package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"

	"lineboard/internal/testkit/wideorders"
)

const memoryAllowed = 200.0 // MB that a request may take above rest

var highestForm = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// highest is the most memory in MB that a program had since forgetHighest; ok is false on other systems than Linux.
func (p *program) highest() (mb float64, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, false
	}
	found := highestForm.FindSubmatch(status)
	if found == nil {
		return 0, false
	}
	kb, err := strconv.ParseFloat(string(found[1]), 64)
	return kb / 1024, err == nil
}

func (p *program) forgetHighest() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.command.Process.Pid), []byte("5"), 0)
}

// measureMemory sends the largest requests that there are, one after the other, and compares the most memory that any
// of them takes with what the program has at rest.
func (b *bench) measureMemory(ctx context.Context) error {
	b.say("memory")
	server, err := b.serve(ctx, "memory")
	if err != nil {
		return err
	}
	defer b.stop(server) //nolint:errcheck // what is measured is over
	p, err := signIn(ctx, server)
	if err != nil {
		return err
	}
	rest, ok := server.resident()
	if !ok {
		return nil // nothing says it on other systems than Linux
	}
	most := map[string]float64{}
	measured := func(what string, send func() error) error {
		if err := server.forgetHighest(); err != nil {
			return err
		}
		before, _ := server.processor()
		if err := send(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		mb, _ := server.highest()
		after, _ := server.processor()
		b.say(
			"memory: %s: %.0f MB, at rest %.0f, processor %.1f s", strings.TrimSpace(what), mb, rest,
			(after - before).Seconds(),
		)
		most[what] = max(most[what], mb-rest)
		most[""] = max(most[""], mb-rest)
		return nil
	}
	for round := range b.rounds {
		if err := b.sendLargest(ctx, p, round, measured); err != nil {
			return err
		}
	}
	for _, what := range largest {
		b.table.add(partMemory, what, figure{most[what], "MB"}, figure{memoryAllowed, "MB"}, "the bound, above rest")
	}
	b.table.add(partMemory, fmt.Sprintf("any of these, %d rounds in a row", b.rounds),
		figure{most[""], "MB"}, figure{memoryAllowed, "MB"}, "the bound, above rest")
	return nil
}

// The largest requests.
const (
	checkedCSV   = "CSV of 100,000 rows and 31 MB, checked"
	importedCSV  = "  imported"
	pastedCSV    = "  pasted into the form"
	checkedJSON  = "JSON of the same orders, checked"
	checkedXLSX  = "XLSX of 100,000 rows, checked"
	exportedXLSX = "all orders as XLSX"
)

var largest = []string{checkedCSV, importedCSV, pastedCSV, checkedJSON, checkedXLSX, exportedXLSX}

// sendLargest sends each of the largest requests. measured measures one.
func (b *bench) sendLargest(
	ctx context.Context, p *person, round int, measured func(what string, send func() error) error,
) error {
	rows := wideorders.Rows(fmt.Sprintf("W%d-", round), otherLine)
	for i, format := range wideorders.Formats() {
		checked := []string{checkedCSV, checkedJSON, checkedXLSX}[i]
		content, err := format.Write(rows)
		if err != nil {
			return err
		}
		var preview string
		if err := measured(checked, func() (err error) {
			preview, err = p.upload(ctx, format.Name, content)
			return err
		}); err != nil {
			return err
		}
		if checked == checkedCSV {
			if err := measured(importedCSV, func() error { return p.apply(ctx, preview) }); err != nil {
				return err
			}
			if err := measured(pastedCSV, func() error { return p.paste(ctx, string(content)) }); err != nil {
				return err
			}
		}
	}
	return measured(exportedXLSX, func() error {
		status, text, err := p.ask(ctx, http.MethodGet, "/imports/orders.xlsx", nil)
		if err == nil && status != http.StatusOK {
			err = p.unexpected("the export", status, text)
		}
		return err
	})
}

// upload has a file checked, and returns the path of its preview.
func (p *person) upload(ctx context.Context, name string, content []byte) (preview string, err error) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", err
	}
	return p.sendFile(ctx, w.FormDataContentType(), &form)
}

// paste has the half of a file checked that fits into a form: there, each byte of a letter takes three.
func (p *person) paste(ctx context.Context, content string) error {
	_, half, _ := strings.Cut(content[len(content)*3/5:], "\n")
	header, _, _ := strings.Cut(content, "\n")
	form := url.Values{"orders": {header + "\n" + half}}
	_, err := p.sendFile(ctx, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	return err
}

func (p *person) sendFile(ctx context.Context, contentType string, body io.Reader) (preview string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.server.base+"/imports", body)
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", contentType)
	answer, err := p.client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusSeeOther {
		return "", p.unexpected("an import", answer.StatusCode, text)
	}
	return answer.Header.Get("Location"), nil
}

var digestForm = regexp.MustCompile(`name="digest" value="([0-9a-f]+)"`)

// apply looks at a preview and imports what it shows.
func (p *person) apply(ctx context.Context, preview string) error {
	page, err := p.page(ctx, preview)
	if err != nil {
		return err
	}
	digest := digestForm.FindStringSubmatch(page)
	if digest == nil {
		return fmt.Errorf("the preview %s has no digest: %.300s", preview, page)
	}
	status, text, err := p.ask(ctx, http.MethodPost, preview, url.Values{"digest": {digest[1]}, "confirm": {"true"}})
	if err == nil && status != http.StatusSeeOther {
		err = p.unexpected("applying an import", status, text)
	}
	return err
}
