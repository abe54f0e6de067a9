package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/internal/secret"
)

// started is the program running in this process.
type started struct {
	address string
	stop    context.CancelFunc
	ended   chan error
	said    *output // on the console
	log     *output
}

// output is written by the program and read by the test.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var addressForm = regexp.MustCompile(`https?://\S+:\d+`)

// start runs the program until it says where it listens.
func start(t *testing.T, env map[string]string, args ...string) started {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	read, write := io.Pipe()
	s := started{stop: stop, ended: make(chan error, 1), said: &output{}, log: &output{}}
	go func() {
		err := run(ctx, args, func(name string) string { return env[name] }, write, s.log)
		write.CloseWithError(io.EOF)
		s.ended <- err
	}()
	buffer, said := make([]byte, 4096), ""
	for s.address == "" {
		n, err := read.Read(buffer)
		if err != nil {
			t.Fatalf("ended with %v before it listened", <-s.ended)
		}
		said += string(buffer[:n])
		s.address = addressForm.FindString(said)
	}
	_, _ = s.said.Write([]byte(said))
	go io.Copy(s.said, read) //nolint:errcheck // ends with the program
	t.Cleanup(func() { stop() })
	return s
}

func (s started) end(t *testing.T) {
	t.Helper()
	s.stop()
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("did not end")
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestTheDemoStartsSaysWhomToSignInAsAndLeavesNothing(t *testing.T) {
	before, err := filepath.Glob(filepath.Join(os.TempDir(), "lineboard-demo-*"))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, nil, "demo", "--addr", "127.0.0.1:0")
	if status, body := get(t, s.address+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d %s", status, body)
	}
	if _, body := get(t, s.address+"/login"); !strings.Contains(body, "supervisor1") || !strings.Contains(body, "lineboard-demo") {
		t.Error("the sign-in page does not say whom to sign in as")
	}
	s.end(t)
	after, err := filepath.Glob(filepath.Join(os.TempDir(), "lineboard-demo-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(after) > len(before) {
		t.Errorf("left behind %v", after)
	}
}

func site(t *testing.T, baseURL string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.yaml")
	text := `tenants:
  - slug: plant-ghent
    name: Plant Ghent
    time_zone: Europe/Brussels
    api: {base_url: ` + baseURL + `, api_key: env:KEY, api_secret: env:SECRET, channel_key: env:CHANNEL}
    lines: [{code: L1, name: Blister line 1}]
    users: [{username: supervisor1, name: First supervisor, role: supervisor, password: env:PASSWORD}]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var credentials = map[string]string{"KEY": "canary-key-0001", "SECRET": "canary-secret-0001", "CHANNEL": "canary-channel-0001", "PASSWORD": "canary-password-0001"}

// with is the credentials' environment and more.
func with(more map[string]string) map[string]string {
	env := map[string]string{}
	for _, m := range []map[string]string{credentials, more} {
		for name, value := range m {
			env[name] = value
		}
	}
	return env
}

func TestServeTakesItsSettingsFromTheEnvironmentAndKeepsSecretsToItself(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	sandbox := start(t, nil, "sandbox", "--addr", "127.0.0.1:0")
	env := with(map[string]string{"LINEBOARD_ADDR": "127.0.0.1:0", "LINEBOARD_DATA": data, "LINEBOARD_PROVISION": site(t, sandbox.address), "LINEBOARD_VERBOSE": "true"})
	s := start(t, env, "serve")
	if status, _ := get(t, s.address+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
	if _, body := get(t, s.address+"/login"); strings.Contains(body, "demo") {
		t.Error("serve shows the demo's people")
	}
	s.end(t)
	if strings.Contains(s.log.String(), "canary") {
		t.Error("a credential is in the log")
	}
	files, err := os.ReadDir(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(data, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("canary")) {
			t.Errorf("a credential stands in %s", file.Name())
		}
	}
	// Once set up, it starts without the file.
	again := start(t, map[string]string{"LINEBOARD_DATA": data}, "serve", "--addr", "127.0.0.1:0")
	again.end(t)
	sandbox.end(t)
}

func TestWhatIsWrongAtStartIsToldInASentence(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	first := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, "http://127.0.0.1:1"))
	fails := func(says string, env map[string]string, args ...string) {
		t.Helper()
		err := run(t.Context(), args, func(name string) string { return env[name] }, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v: %v, want %q in it", args, err, says)
		}
	}
	fails("another Lineboard is running", nil, "serve", "--addr", "127.0.0.1:0", "--data", data)
	fails("can't listen on", nil, "serve", "--addr", strings.TrimPrefix(first.address, "http://"), "--data", t.TempDir())
	first.end(t)

	key := filepath.Join(data, "lineboard.key")
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	fails("lineboard.key can't be read", nil, "serve", "--addr", "127.0.0.1:0", "--data", data)
	text[0] = map[bool]byte{true: '1', false: '0'}[text[0] == '0']
	if err := os.WriteFile(key, text, 0o600); err != nil {
		t.Fatal(err)
	}
	fails("Put back the key file that belongs to this database", nil, "serve", "--addr", "127.0.0.1:0", "--data", data)

	broken := filepath.Join(t.TempDir(), "site.yaml")
	if err := os.WriteFile(broken, []byte("tenants:\n  - slug: plant-ghent\n    nam: canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails("line 3", nil, "serve", "--data", t.TempDir(), "--provision", broken)
	fails("provisioning file can't be read", nil, "serve", "--data", t.TempDir(), "--provision", broken+".not")
	fails("environment variable KEY is not set", nil, "serve", "--data", t.TempDir(), "--provision", site(t, "http://127.0.0.1:1"))
	fails("unknown flag --nonsense", nil, "serve", "--nonsense")
	fails("invalid duration", map[string]string{"LINEBOARD_REFRESH": "soon"}, "serve")
	fails("--refresh must be at least 100ms", nil, "serve", "--refresh", "0s")
	fails("belong together", nil, "serve", "--tls-cert", "cert.pem")
	fails("cert.pem: no such file", nil, "serve", "--data", t.TempDir(), "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	fails("trusted-proxies", nil, "serve", "--trusted-proxies", "10.0.0.1")
	fails("--rate-limit must not be below zero", nil, "serve", "--rate-limit=-1")
	fails("--release-limit must be at least 100ms", nil, "demo", "--release-limit=-1s")
	fails("expected one of", nil)
}

// copied is the folder as a crash at this moment would leave it.
func copied(t *testing.T, folder string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	return to
}

func content(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAChangeOfTheKeyThatIsCutOffAnywhereLeavesTheKeyThatFits(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, "http://127.0.0.1:1")).end(t)
	old := content(t, data, keyFile)

	// The command, step by step; after each, the folder is kept as a crash would leave it.
	store, err := openData(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	crashes := map[string]string{"before": copied(t, data)}
	next, err := secret.CreateKeyFile(filepath.Join(data, keyFile+nextKey))
	if err != nil {
		t.Fatal(err)
	}
	crashes["with the next key on disk"] = copied(t, data)
	fresh := content(t, data, keyFile+nextKey)
	if err := store.Rotate(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	crashes["with the database committed"] = copied(t, data)
	if err := secret.ReplaceKeyFile(filepath.Join(data, keyFile), filepath.Join(data, keyFile+nextKey)); err != nil {
		t.Fatal(err)
	}
	crashes["at the end"] = copied(t, data)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"before": old, "with the next key on disk": old, "with the database committed": fresh, "at the end": fresh}
	for when, folder := range crashes {
		s := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", folder) // which makes sure that the key opens what is sealed
		s.end(t)
		if got := content(t, folder, keyFile); got != want[when] {
			t.Errorf("cut off %s, another key is left", when)
		}
		if _, err := os.Stat(filepath.Join(folder, keyFile+nextKey)); !os.IsNotExist(err) {
			t.Errorf("cut off %s, the next key is left: %v", when, err)
		}
	}
	if old == fresh {
		t.Error("the key is the same")
	}
}

func TestTheKeyIsChangedByACommand(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	env := with(map[string]string{"LINEBOARD_DATA": data})
	s := start(t, env, "serve", "--addr", "127.0.0.1:0", "--provision", site(t, "http://127.0.0.1:1"))
	old := content(t, data, keyFile)
	var said bytes.Buffer
	rotate := func() error {
		return run(t.Context(), []string{"rotate-key"}, func(name string) string { return env[name] }, &said, io.Discard)
	}
	if err := rotate(); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("while it runs: %v", err)
	}
	s.end(t)
	for range 2 {
		if err := rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(said.String(), "sealed with a new key") || content(t, data, keyFile) == old {
		t.Errorf("says %q", said.String())
	}
	if info, err := os.Stat(filepath.Join(data, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key can be read by others: %v, %v", info.Mode(), err)
	}
	start(t, env, "serve", "--addr", "127.0.0.1:0", "--provision", site(t, "http://127.0.0.1:1")).end(t)
	env["LINEBOARD_DATA"] = filepath.Join(data, "elsewhere")
	if err := rotate(); err == nil || !strings.Contains(err.Error(), "no data of Lineboard") {
		t.Errorf("without data: %v", err)
	}
}

// certify makes a certificate for this machine, and a client that trusts it.
func certify(t *testing.T) (cert, key string, client *http.Client) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &pair.PublicKey, pair)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(content(t, cert)))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	t.Cleanup(transport.CloseIdleConnections)
	return cert, key, &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestWithACertificateItServesHTTPSAndCookiesForNothingElse(t *testing.T) {
	cert, key, client := certify(t)
	data := t.TempDir()
	s := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, "http://127.0.0.1:1"), "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(s.address, "https://") {
		t.Fatalf("is at %s", s.address)
	}
	response, err := client.PostForm(s.address+"/login", url.Values{"username": {"supervisor1"}, "password": {credentials["PASSWORD"]}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	cookie := response.Header.Get("Set-Cookie")
	if response.StatusCode != http.StatusSeeOther || !strings.HasPrefix(cookie, "__Host-lineboard=") || !strings.Contains(cookie, "; Secure") ||
		response.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("sign-in: %d, cookie %q", response.StatusCode, cookie)
	}
	if strings.Contains(s.log.String(), "plain HTTP") {
		t.Error("it warns of plain HTTP")
	}
	large, err := http.NewRequestWithContext(t.Context(), "GET", s.address+"/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	large.Header.Set("X-Large", strings.Repeat("x", 100<<10))
	response, err = client.Do(large)
	if err == nil {
		response.Body.Close()
		if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a head of 100 KiB: %d", response.StatusCode)
		}
	}
	s.end(t)

	plain := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", data)
	plain.end(t)
	if !strings.Contains(plain.log.String(), "plain HTTP") {
		t.Error("it does not warn of plain HTTP")
	}
}

func TestThePagesOnSecurityAndRecordsNameWhatThereIs(t *testing.T) {
	page := content(t, "docs", "security.md") + content(t, "docs", "compliance.md")
	var tests strings.Builder
	if err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			tests.WriteString(content(t, path))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(content(t, "docs", "compliance.md")) {
		if rule := regexp.MustCompile(`^\| [(\d§]`); rule.MatchString(row) && !strings.Contains(row, "`Test") {
			t.Errorf("no test shows %s", row)
		}
	}
	for _, name := range regexp.MustCompile(`\bTest\w+`).FindAllString(page, -1) {
		if !strings.Contains(tests.String(), "func "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
	for _, m := range regexp.MustCompile("`([a-z/]+(?:\\.go|/))`").FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(m[1]); err != nil {
			t.Error(err)
		}
	}
}

// link waits until the console shows the link of the first start.
func (s started) link(t *testing.T) string {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		if link := regexp.MustCompile(`http://\S+/setup\?key=\w{26,}\s`).FindString(s.said.String()); link != "" {
			return strings.TrimSpace(link)
		}
	}
	t.Fatalf("no link in %s", s.said)
	return ""
}

func TestTheFirstStartGoesByALinkOnTheConsoleThatWorksOnce(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, nil, "serve", "--verbose", "--addr", "127.0.0.1:0", "--data", data)
	link := s.link(t)
	if status, body := get(t, s.address+"/orders"); status != http.StatusOK || !strings.Contains(body, "Look at the console") {
		t.Errorf("a page: %d", status)
	}
	if status, body := get(t, link); status != http.StatusOK || !strings.Contains(body, "You become the first administrator") {
		t.Fatalf("the link: %d", status)
	}
	s.end(t)

	// It is of that process alone: the next one has another.
	s = start(t, nil, "serve", "--verbose", "--addr", "127.0.0.1:0", "--data", data)
	_, old, _ := strings.Cut(link, "?")
	if status, _ := get(t, s.address+"/setup?"+old); status != http.StatusForbidden {
		t.Errorf("the link of before: %d", status)
	}
	link = s.link(t)
	_, key, _ := strings.Cut(link, "key=")
	form := url.Values{
		"key": {key}, "username": {"anna"}, "full_name": {"Anna"}, "password": {"canary words of anna"}, "again": {"canary words of anna"},
		"site": {"Plant Ghent"}, "zone": {"Europe/Brussels"},
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	post := func() int {
		t.Helper()
		response, err := browser.PostForm(s.address+"/setup", form)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	if status := post(); status != http.StatusOK { // of the page for the connection, where it leads
		t.Fatalf("the form: %d", status)
	}
	if status := post(); status != http.StatusGone {
		t.Errorf("the form again: %d", status)
	}
	s.end(t)
	for what, said := range map[string]string{"key": key, "password": "canary words of anna"} {
		if strings.Contains(s.log.String(), said) {
			t.Errorf("the %s is in the log", what)
		}
	}

	again := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", data)
	if status, body := get(t, again.address+"/"); status != http.StatusOK || strings.Contains(again.said.String(), "setup") || !strings.Contains(body, "Sign in") {
		t.Errorf("started again: %d, the console says %s", status, again.said)
	}
	again.end(t)
}

func TestTheHistoryIsCheckedAndBackedUpWhileTheProgramRunsAndAfter(t *testing.T) {
	data, restored := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "restored")
	s := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, "http://127.0.0.1:1"))
	does := func(args ...string) (string, error) {
		var said bytes.Buffer
		err := run(t.Context(), args, os.Getenv, &said, io.Discard)
		return said.String(), err
	}
	holds := func(when string, args ...string) {
		t.Helper()
		if said, err := does(append([]string{"verify"}, args...)...); err != nil || !strings.HasPrefix(said, "plant-ghent: The history holds: entries 1 to ") {
			t.Errorf("%s: %s, %v", when, said, err)
		}
	}
	holds("while it runs", "--data", data, "--tenant", "plant-ghent")
	backup := filepath.Join(t.TempDir(), "backup.db")
	if said, err := does("backup", "--data", data, "--to", backup); err != nil || !strings.Contains(said, backup) {
		t.Fatalf("backup: %s, %v", said, err)
	}
	if _, err := does("backup", "--data", data, "--to", backup); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second backup to the same file: %v", err)
	}
	s.end(t)
	holds("after it ended", "--data", data)
	if said := s.log.String(); !strings.Contains(said, "history anchored") {
		t.Errorf("the log has no anchor: %s", said)
	}
	if _, err := does("verify", "--data", data, "--tenant", "nobody"); err == nil || !strings.Contains(err.Error(), "there is no tenant nobody") {
		t.Errorf("another tenant: %v", err)
	}
	if _, err := does("verify", "--data", t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is no database") {
		t.Errorf("another folder: %v", err)
	}

	if err := os.Mkdir(restored, 0o700); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{backup: "lineboard.db", backup + ".anchors.log": "anchors.log", filepath.Join(data, "lineboard.key"): "lineboard.key"} {
		content, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(restored, to), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	holds("restored", "--data", restored)
	again := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", restored)
	again.end(t)
	holds("restored, and gone on with", "--data", restored)
	if err := os.Remove(filepath.Join(restored, "anchors.log")); err != nil {
		t.Fatal(err)
	}
	if said, err := does("verify", "--data", restored); err == nil || !strings.Contains(said, "The file of anchors is not there, though ") {
		t.Errorf("without its anchors: %s, %v", said, err)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere.log")
	apart := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", data, "--anchors", elsewhere)
	apart.end(t)
	if content, err := os.ReadFile(elsewhere); err != nil {
		t.Errorf("anchors elsewhere: %q, %v", content, err)
	}
	if err := run(t.Context(), []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--anchors", filepath.Join(t.TempDir(), "no", "folder")}, os.Getenv, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "--anchors") {
		t.Errorf("anchors that can't be written: %v", err)
	}
}

func TestHelpIsNoError(t *testing.T) {
	var said bytes.Buffer
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}} {
		if err := run(t.Context(), args, os.Getenv, &said, io.Discard); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	for _, says := range []string{"serve", "demo", "sandbox", "--provision", "LINEBOARD_DATA"} {
		if !strings.Contains(said.String(), says) {
			t.Errorf("the help does not say %s", says)
		}
	}
}
