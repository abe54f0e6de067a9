//go:build peers

package app

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lineboard/internal/sandbox"
)

// freePort returns a port of this machine that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// proxied is a Lineboard behind a proxy.
type proxied struct {
	address string // of the proxy, with the path
	client  *http.Client
	log     *output // Lineboard's
}

// runProxy runs a program of somebody else until the test ends, and waits until it listens.
func runProxy(t *testing.T, port, name string, args ...string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	command := exec.CommandContext(ctx, name, args...)
	said := &output{}
	command.Stdout, command.Stderr = said, said
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) } // nginx then ends its workers
	command.WaitDelay = 5 * time.Second
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = command.Wait() })
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s does not listen: %s", name, said)
		}
	}
}

// nginx runs nginx with a server of its configuration.
func nginx(t *testing.T, port, server string) {
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(folder, "nginx.conf")
	whole := fmt.Sprintf(`user root; daemon off; pid %[1]s/pid; error_log stderr; worker_processes 1;
events {}
http {
	access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	%[2]s
}`, folder, server)
	if err := os.WriteFile(file, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	runProxy(t, port, "nginx", "-c", file, "-p", folder, "-e", "stderr")
}

func caddy(t *testing.T, port, sites string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(
		file, []byte("{\n\tadmin off\n\tauto_https disable_redirects\n}\n"+sites), 0o600,
	); err != nil {
		t.Fatal(err)
	}
	runProxy(t, port, "caddy", "run", "--config", file, "--adapter", "caddyfile")
}

// lineboardBehind starts a Lineboard for a proxy, and returns where it listens.
func lineboardBehind(t *testing.T, flags ...string) (port string, s started) {
	t.Helper()
	remote := start(t, nil, "sandbox", "--addr", "127.0.0.1:0")
	env := with(map[string]string{"KEY": sandbox.APIKey, "SECRET": sandbox.APISecret, "CHANNEL": sandbox.ChannelKey})
	s = start(t, env, append([]string{
		"serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--provision", site(t, remote.address),
	}, flags...)...)
	at, err := url.Parse(s.address)
	if err != nil {
		t.Fatal(err)
	}
	return at.Port(), s
}

func TestTheConfigurationsOfTheDocsServeLineboardBelowAPath(t *testing.T) {
	docs := func(name string) string { return content(t, "..", "..", "docs", name) }
	for name, run := range map[string]func(port, upstream, cert, key string){
		"nginx, as in the docs": func(port, upstream, cert, key string) {
			nginx(t, port, strings.NewReplacer("listen 443 ssl", "listen 127.0.0.1:"+port+" ssl", "plant.example;",
				"localhost;",
				"/etc/ssl/plant.example.pem", cert, "/etc/ssl/plant.example.key", key, "127.0.0.1:8080",
				"127.0.0.1:"+upstream).Replace(docs("nginx.conf")))
		},
		"nginx that takes the path away": func(port, upstream, cert, key string) {
			nginx(t, port, strings.NewReplacer("listen 443 ssl", "listen 127.0.0.1:"+port+" ssl", "plant.example;",
				"localhost;",
				"/etc/ssl/plant.example.pem", cert, "/etc/ssl/plant.example.key", key,
				"location /lineboard {", "location /lineboard/ {", "127.0.0.1:8080;",
				"127.0.0.1:"+upstream+"/;").Replace(docs("nginx.conf")))
		},
		"Caddy, as in the docs": func(port, upstream, cert, key string) {
			caddy(t, port, strings.NewReplacer("plant.example {", "https://localhost:"+port+" {",
				"/etc/ssl/plant.example.pem", cert, "/etc/ssl/plant.example.key", key, "127.0.0.1:8080",
				"127.0.0.1:"+upstream).Replace(docs("Caddyfile")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			upstream, s := lineboardBehind(
				t, "--path-prefix", "/lineboard", "--https", "--trusted-proxies", "127.0.0.1/32",
			)
			cert, key, client := certify(t)
			port := freePort(t)
			run(port, upstream, cert, key)
			client.Jar, _ = cookiejar.New(nil)
			p := proxied{"https://localhost:" + port + "/lineboard", client, s.log}
			p.works(t)
		})
	}
}

// works does what people do, through the proxy.
func (p proxied) works(t *testing.T) {
	t.Helper()
	root := strings.TrimSuffix(p.address, "/lineboard")
	if status, to, _ := p.do(t, http.MethodGet, p.address+"/", nil, ""); status != http.StatusSeeOther ||
		to != "/lineboard/login" {
		t.Errorf("a stranger: %d to %q", status, to)
	}
	form := url.Values{"username": {"supervisor1"}, "password": {credentials["PASSWORD"]}}.Encode()
	if status, to, body := p.do(
		t, http.MethodPost, p.address+"/login", strings.NewReader(form), "application/x-www-form-urlencoded",
	); status != http.StatusSeeOther || to != "/lineboard/" {
		t.Fatalf("sign-in: %d to %q %s", status, to, body)
	}
	var order string
	for limit := time.Now().Add(20 * time.Second); order == ""; time.Sleep(100 * time.Millisecond) {
		_, _, page := p.do(t, http.MethodGet, p.address+"/orders?q=Order143", nil, "")
		if _, after, ok := strings.Cut(page, `href="/lineboard/orders/`); ok {
			number, _, _ := strings.Cut(after, `"`)
			order = p.address + "/orders/" + number
		}
		if time.Now().After(limit) {
			t.Fatalf("no order: %.2000s", page)
		}
	}
	_, _, page := p.do(t, http.MethodGet, p.address+"/lines/L1", nil, "")
	for _, attribute := range []string{`rel="stylesheet" href="`, `<script src="`, `rel="manifest" href="`} {
		_, after, _ := strings.Cut(page, attribute)
		path, _, _ := strings.Cut(after, `"`)
		if status, _, _ := p.do(t, http.MethodGet, root+path, nil, ""); status != http.StatusOK {
			t.Errorf("%s%s: %d", attribute, path, status)
		}
	}
	if status, _, body := p.do(t, http.MethodHead, p.address+"/healthz", nil, ""); status != http.StatusOK ||
		body != "" {
		t.Errorf("HEAD: %d %q", status, body)
	}
	events := p.listen(t)
	_, _, page = p.do(t, http.MethodGet, order+"?arm=1", nil, "")
	_, after, _ := strings.Cut(page, `name="revision" value="`)
	revision, _, _ := strings.Cut(after, `"`)
	if status, to, body := p.do(
		t, http.MethodPost, order+"/release", strings.NewReader("revision="+revision),
		"application/x-www-form-urlencoded",
	); status != http.StatusSeeOther || root+to != order+"#release" {
		t.Errorf("release: %d to %q %.500s", status, to, body)
	}
	select {
	case <-events:
	case <-time.After(5 * time.Second):
		t.Error("no event came through within 5 s")
	}
	if status, _, body := p.upload(t, 2<<20); status != http.StatusSeeOther &&
		status != http.StatusUnprocessableEntity {
		t.Errorf("a file of 2 MB: %d %.300s", status, body)
	}
	if _, _, history := p.do(
		t, http.MethodGet, p.address+"/history.csv?deed=signed_in", nil, "",
	); !strings.Contains(history, "signed_in") {
		t.Errorf("the history: %.500s", history)
	}
}

func (p proxied) do(t *testing.T, method, address string, body io.Reader, kind string) (status int, to, said string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
		at, _ := url.Parse(address)
		r.Header.Set("Origin", at.Scheme+"://"+at.Host) // as a browser does
	}
	a, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	content, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, a.Header.Get("Location"), string(content)
}

// listen opens a stream of events, and returns what is closed when something has changed.
func (p proxied) listen(t *testing.T) <-chan struct{} {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.address+"/events?t=orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	a, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Body.Close() })
	if a.StatusCode != http.StatusOK {
		t.Fatalf("events: %d", a.StatusCode)
	}
	changed := make(chan struct{})
	go func() {
		defer close(changed)
		for lines, seen := bufio.NewScanner(a.Body), 0; lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "event: changed") {
				if seen++; seen > 1 { // the first says how things stand
					return
				}
			}
		}
	}()
	return changed
}

func (p proxied) upload(t *testing.T, size int) (status int, to, said string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "orders.csv")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(file, "order_id,product\n")
	for i := 0; body.Len() < size; i++ {
		fmt.Fprintf(file, "Big%d,%s\n", i, strings.Repeat("x", 100))
	}
	form.Close()
	return p.do(t, http.MethodPost, p.address+"/imports", &body, form.FormDataContentType())
}

// nginx with nothing but proxy_pass, by plain HTTP and a name: the page and the log say which header is missing.
func TestAnNginxThatHidesTheHostIsTold(t *testing.T) {
	upstream, s := lineboardBehind(t)
	port := freePort(t)
	nginx(t, port, "server { listen 127.0.0.1:"+port+"; location / { proxy_pass http://127.0.0.1:"+upstream+"; } }")
	jar, _ := cookiejar.New(nil)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
	}
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	p := proxied{"http://plant.example", &http.Client{Jar: jar, Transport: transport}, s.log}
	form := url.Values{"username": {"supervisor1"}, "password": {credentials["PASSWORD"]}}.Encode()
	status, _, body := p.do(
		t, http.MethodPost, p.address+"/login", strings.NewReader(form), "application/x-www-form-urlencoded",
	)
	if status != http.StatusForbidden || !strings.Contains(body, "Host") ||
		!strings.Contains(s.log.String(), "its proxy must pass Host on") {
		t.Errorf("sign-in: %d %.800s, and the log %s", status, body, s.log)
	}
}
