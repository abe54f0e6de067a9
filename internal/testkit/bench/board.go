package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"lineboard/internal/sandbox"
)

// boardOrders are the fifty orders of one line, in the statuses that a board shows, most of them yet to be released.
func boardOrders() []sandbox.Order {
	statuses := []string{
		sandbox.PendingRelease, sandbox.PendingRelease, sandbox.PendingRelease, sandbox.Open, sandbox.Open,
		sandbox.Open,
		sandbox.PendingRelease, sandbox.PendingRelease, sandbox.InProgress, sandbox.Suspended,
	}
	orders := make([]sandbox.Order, 50)
	for i := range orders {
		orders[i] = sandbox.Order{
			ID: fmt.Sprintf("Board%03d", i+1), LineCode: boardLine, LineName: "Line with fifty orders",
			Product: fmt.Sprintf("Paracetamol %d mg, 20 tablets", 100+i), GTIN: gtin(i),
			Lot:    fmt.Sprintf("PA26B%02d", i),
			Expiry: "2029-05-31", Quantity: 1000 + 10*i, ExtraPercent: 5, Status: statuses[i%len(statuses)],
		}
	}
	return orders
}

// measureBoard puts load on a line's board, and on a bare Echo that answers with the same bytes.
func (b *bench) measureBoard(ctx context.Context) error {
	b.say("board: %d connections, plain and with gzip, and not changed", connections)
	if err := b.remote.put(ctx, boardOrders()); err != nil {
		return err
	}
	ours, err := b.serve(ctx, "board")
	if err != nil {
		return err
	}
	page := target{server: ours, path: "/lines/" + boardLine}
	if page.cookies, err = b.openBoard(ctx, page); err != nil {
		return err
	}
	header, plain, compressed, err := page.bytes(ctx)
	if err != nil {
		return err
	}
	bare, err := b.startBare(ctx, header, plain, compressed)
	if err != nil {
		return err
	}
	for _, way := range []struct {
		name string
		gzip bool
		size int
	}{{"not compressed", false, len(plain)}, {"with gzip", true, len(compressed)}} {
		page.gzip = way.gzip
		if err := b.compareLoad(
			ctx, page, bare, fmt.Sprintf("%s, %.1f KB", way.name, float64(way.size)/1024),
		); err != nil {
			return err
		}
	}
	page.gzip = false
	if page.tag, err = page.currentTag(ctx); err != nil {
		return err
	}
	if err := b.compareLoad(ctx, page, bare, "not changed since (304)"); err != nil {
		return err
	}
	if err := b.stop(bare); err != nil {
		return err
	}
	return b.stop(ours)
}

// openBoard signs in and waits until the board has all its orders.
func (b *bench) openBoard(ctx context.Context, page target) (cookies string, err error) {
	p, err := signIn(ctx, page.server)
	if err != nil {
		return "", err
	}
	orders := boardOrders()
	if _, err := p.awaitOrder(ctx, orders[len(orders)-1].ID); err != nil {
		return "", err
	}
	text, err := p.page(ctx, page.path)
	if err != nil {
		return "", err
	}
	for _, o := range orders {
		if !strings.Contains(text, o.ID) {
			return "", fmt.Errorf("the board does not show %s", o.ID)
		}
	}
	return p.cookies(), nil
}

// bytes are the page's, once as it is and once as Lineboard compresses it, with what else its header says: a browser,
// and who puts load on, has to read that too.
func (t target) bytes(ctx context.Context) (header http.Header, plain, compressed []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.server.base+t.path, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	request.Header.Set("Cookie", t.cookies)
	request.Header.Set("Accept-Encoding", "gzip") // set by hand, it is not undone on the way
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, nil, nil, err
	}
	defer answer.Body.Close()
	if compressed, err = io.ReadAll(answer.Body); err != nil {
		return nil, nil, nil, err
	}
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("the board, %s, is not compressed: %w", answer.Status, err)
	}
	plain, err = io.ReadAll(reader)
	header = answer.Header
	// those that Echo sets by itself
	for _, own := range []string{"Date", "Content-Type", "Content-Length", "Content-Encoding"} {
		header.Del(own)
	}
	return header, plain, compressed, err
}

// currentTag is that of the page's content.
func (t target) currentTag(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.server.base+t.path, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Cookie", t.cookies)
	request.Header.Set("HX-Request", "true")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if tag := answer.Header.Get("ETag"); tag != "" {
		return tag, nil
	}
	return "", fmt.Errorf("the board, %s, has no tag", answer.Status)
}

// startBare runs this program once more as the other side.
func (b *bench) startBare(ctx context.Context, header http.Header, plain, compressed []byte) (*program, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	files := []string{
		filepath.Join(b.folder, "board.json"), filepath.Join(b.folder, "board.html"),
		filepath.Join(b.folder, "board.html.gz"),
	}
	for i, content := range [][]byte{text, plain, compressed} {
		if err := os.WriteFile(files[i], content, 0o600); err != nil {
			return nil, err
		}
	}
	return b.start(ctx, "bare Echo", self, bareEcho, files[0], files[1], files[2])
}

// compareLoad puts load on one and the other in turns.
func (b *bench) compareLoad(ctx context.Context, page target, other *program, name string) error {
	bare := page
	bare.server = other
	var perSecond, p99, processor [2][]float64
	for round := -1; round < b.rounds; round++ {
		for i, side := range []target{page, bare} {
			if round < 0 { // fills what fills on first use
				if _, err := side.put(ctx, b.boardTime/4); err != nil {
					return err
				}
				continue
			}
			l, err := side.put(ctx, b.boardTime)
			if err != nil {
				return err
			}
			perSecond[i], p99[i] = append(perSecond[i], l.perSecond), append(p99[i], l.p99)
			processor[i] = append(processor[i], l.processor)
		}
	}
	add := func(what string, values [2][]float64, unit string) {
		if median(values[0]) > 0 {
			b.table.add(
				partBoard, what, figure{median(values[0]), unit}, figure{median(values[1]), unit},
				"bare Echo, the same bytes",
			)
		}
	}
	add(fmt.Sprintf("line board, 50 orders, %d connections, %s", connections, name), perSecond, "/s")
	add("  99 of 100 within", p99, "ms")
	add("  time of a processor for a page", processor, "ms")
	return nil
}
