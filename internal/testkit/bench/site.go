package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"lineboard/internal/sandbox"
)

const (
	people    = 5
	username  = "supervisor"     // and a number from 1
	password  = "measured-twice" // likewise
	boardLine = "B50"            // has the orders of the board and no others
	otherLine = "L1"
)

func (b *bench) provisionFile() string { return filepath.Join(b.folder, "site.yaml") }

// startSandbox starts the API that all of a run's servers call, and writes the provisioning file that names it.
func (b *bench) startSandbox(ctx context.Context) error {
	p, err := b.start(ctx, "sandbox", b.binary, "sandbox", "--addr", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.remote = &remote{base: p.base}
	return b.writeSite(b.provisionFile(), fmt.Sprintf(`    lines:
      - {code: %s, name: Line with fifty orders}
      - {code: %s, name: Blister line 1}
`, boardLine, otherLine))
}

// writeSite writes a provisioning file with the lines given, in YAML, and the people of every site.
func (b *bench) writeSite(file, lines string) error {
	site := fmt.Sprintf(`tenants:
  - slug: plant-bench
    name: Bench plant
    time_zone: Europe/Brussels
    api:
      base_url: %s
      api_key: %s
      api_secret: %s
      channel_key: %s
%s    users:
`, b.remote.base, sandbox.APIKey, sandbox.APISecret, sandbox.ChannelKey, lines)
	// A start applies the file, people included: a site without people would start too fast.
	for i := range people {
		site += fmt.Sprintf(
			"      - {username: %s%d, name: Supervisor %[2]d, role: supervisor, password: %[3]s%[2]d}\n", username, i+1,
			password,
		)
	}
	return os.WriteFile(file, []byte(site), 0o600)
}

// remote is the sandbox as a client without Lineboard sees it.
type remote struct {
	base  string
	token string
}

// call sends JSON and gives the whole answer.
func (r *remote) call(ctx context.Context, method, path string, send any) ([]byte, error) {
	text, err := json.Marshal(send)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, r.base+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Access-Token", r.token)
	request.Header.Set("X-Channel-Key", sandbox.ChannelKey)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("the sandbox answered %s %s with %s: %.200s", method, path, answer.Status, body)
	}
	return body, err
}

// put gives the sandbox orders, one a call: those with serials are large.
func (r *remote) put(ctx context.Context, orders []sandbox.Order) error {
	for _, o := range orders {
		if _, err := r.call(ctx, http.MethodPut, "/sandbox/orders", []sandbox.Order{o}); err != nil {
			return err
		}
	}
	return nil
}

func (r *remote) signIn(ctx context.Context) error {
	body, err := r.call(ctx, http.MethodPost, "/v1/api_auth", map[string]string{
		"api_key": sandbox.APIKey, "api_secret": sandbox.APISecret,
	})
	if err != nil {
		return err
	}
	var answer struct{ Token string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	r.token = answer.Token
	return nil
}

// release is the bare call: sent, and the answer received whole. It is made on a connection that is open already.
func (r *remote) release(ctx context.Context, orderKey string) (took time.Duration, err error) {
	const path = "/v1/manufacturer/v2/api/packaging_order/release_to_line"
	started := time.Now()
	_, err = r.call(ctx, http.MethodPatch, path, map[string]string{"order_id": orderKey})
	return time.Since(started), err
}
