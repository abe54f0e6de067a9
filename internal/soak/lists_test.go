package soak

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"lineboard/internal/testkit/lineside"
)

// lines are the machines that serial lists go to: a folder and a webhook at line 1, an SFTP server and a program that
// asks at line 2. They keep what they got, under the id or the name under which it came.
type lines struct {
	t       *testing.T
	folder  string
	sftp    *lineside.SFTP
	webhook *httptest.Server
	mailbox string
	tell    func(what string)
	base    atomic.Value // of the program as it runs now

	mu     sync.Mutex
	fate   *rand.Rand
	calm   bool                           // nothing fails any more
	got    map[string]map[string][]string // of each destination, what came under each id, each time
	mails  map[string][]string            // what came under each Message-ID, each time
	wrong  []string
	tokens chan string
	ended  chan struct{}
	ends   sync.WaitGroup
}

const signingKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func newLines(t *testing.T, random *rand.Rand, tell func(string)) *lines {
	t.Helper()
	l := &lines{
		t: t, folder: t.TempDir(), tell: tell, fate: rand.New(rand.NewPCG(random.Uint64(), 2)),
		got: map[string]map[string][]string{"MES": {}, "Line PC": {}}, mails: map[string][]string{},
		tokens: make(chan string, 1), ended: make(chan struct{}),
	}
	for _, below := range []string{"share", "printer"} {
		if err := os.Mkdir(filepath.Join(l.folder, below), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	l.sftp, err = lineside.NewSFTP(lineside.Account{
		Name: "line2", Password: password, Root: filepath.Join(l.folder, "printer"), Breaks: func() int {
			tell("brought")
			return l.some(6, 900)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.sftp.Close() })
	l.webhook = httptest.NewServer(http.HandlerFunc(l.receive))
	t.Cleanup(l.webhook.Close)
	l.receiveMail()
	l.ends.Go(l.ask)
	t.Cleanup(func() { close(l.ended); l.ends.Wait() })
	return l
}

// some returns a number up to most, 1 time of so many, and 0 otherwise and once all is calm.
func (l *lines) some(of, most int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calm || l.fate.IntN(of) > 0 {
		return 0
	}
	return 1 + l.fate.IntN(most)
}

// provisioning is what the provisioning file says of the destinations.
func (l *lines) provisioning() string {
	return fmt.Sprintf(`    destinations:
      - {line: L1, name: Share, kind: folder, root: share}
      - {line: L1, name: MES, kind: webhook, url: %s, signing_secret: %s}
      - {line: L2, name: Printer, kind: sftp, server: %q, username: line2, host_key: %q, password: env:SOAK_PASSWORD}
      - {line: L2, name: Line PC, kind: pull}
`, l.webhook.URL, signingKey, l.sftp.Address, l.sftp.HostKey)
}

// args are what the program is started with to reach them.
func (l *lines) args() []string {
	hosts := []string{l.webhook.Listener.Addr().String(), l.sftp.Address, l.mailbox}
	return []string{
		"--drop-root", "share=" + filepath.Join(l.folder, "share"), "--destination-hosts", strings.Join(hosts, ","),
	}
}

func (l *lines) keep(destination, id, content string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got[destination][id] = append(l.got[destination][id], content)
}

func (l *lines) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

// receive is the webhook. It checks a message as its specification says, and answers late or wrongly at times.
func (l *lines) receive(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // it never arrived as a whole
	}
	hook, err := webhooks.NewWebhook(signingKey)
	if err == nil {
		err = hook.Verify(body, q.Header)
	}
	if err != nil {
		l.fail("MES got a message that is not signed right: %v", err)
	}
	l.tell("brought")
	l.keep("MES", q.Header.Get("webhook-id"), string(body))
	time.Sleep(time.Duration(l.some(2, 60)) * time.Millisecond)
	if l.some(6, 1) > 0 {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// ask is the program of line 2. It asks for lists from its own start to the end of the test.
func (l *lines) ask() {
	var token string
	select {
	case token = <-l.tokens:
	case <-l.ended:
		return
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	call := func(method, path, body string) (int, string) {
		q, err := http.NewRequest(method, l.base.Load().(string)+path, strings.NewReader(body))
		if err != nil {
			return 0, ""
		}
		q.Header.Set("Authorization", "Bearer "+token)
		q.Header.Set("Accept", "text/csv")
		q.Header.Set("Content-Type", "application/json")
		a, err := client.Do(q)
		if err != nil {
			return 0, ""
		}
		defer a.Body.Close()
		said, err := io.ReadAll(a.Body)
		if err != nil {
			return 0, ""
		}
		return a.StatusCode, string(said)
	}
	cursor := ""
	for {
		select {
		case <-l.ended:
			return
		case <-time.After(50 * time.Millisecond):
		}
		cursor = l.takeAll(call, cursor)
	}
}

// takeAll takes what waits after a cursor, and returns the cursor of the last list of which the program said that it is
// taken.
func (l *lines) takeAll(call func(method, path, body string) (int, string), cursor string) string {
	status, said := call(http.MethodGet, "/api/v1/releases?line=L2&after="+url.QueryEscape(cursor), "")
	var answer struct {
		Releases []struct {
			ID, Serials, Cursor string
			Count               int
		}
	}
	if status == 0 {
		return cursor
	}
	if err := json.Unmarshal([]byte(said), &answer); err != nil || status != http.StatusOK {
		l.fail("Line PC asked for lists after %q: %d %s", cursor, status, said)
		return cursor
	}
	for _, one := range answer.Releases {
		status, list := call(http.MethodGet, one.Serials, "")
		if status == 0 {
			return cursor
		}
		l.keep("Line PC", one.ID, list)
		l.tell("brought")
		body := fmt.Sprintf(`{"count": %d, "sha256": "%x"}`, one.Count, sha256.Sum256([]byte(list)))
		status, said := call(http.MethodPost, "/api/v1/releases/"+one.ID+"/taken", body)
		if status == 0 {
			return cursor
		}
		if status != http.StatusOK {
			l.fail("Line PC took %s: %d %s", one.ID, status, said)
		}
		cursor = one.Cursor
	}
	return cursor
}

var tokenForm = regexp.MustCompile(`lbt_[A-Za-z0-9_-]{43}`)

// setUp has an administrator make the token of the program, and the alarms where they are wanted.
func (l *lines) setUp(w *web, alarms bool) {
	l.t.Helper()
	admin := slices.Index(usernames, "admin1")
	post := func(path string, form url.Values) string {
		l.t.Helper()
		status, _, body, err := w.send(admin, http.MethodPost, path, form)
		if err != nil || status >= 400 {
			l.t.Fatalf("POST %s: %d %v %.300s", path, status, err, body)
		}
		return body
	}
	body := post("/admin/tokens", url.Values{"name": {"Line PC"}, "line": {"L2"}, "scope": {"take_lists"}})
	token := tokenForm.FindString(body)
	if token == "" {
		l.t.Fatalf("no token: %.500s", body)
	}
	l.tokens <- token
	if !alarms {
		return
	}
	post("/admin/alarms/settings", url.Values{
		"language": {"en"}, "address": {"http://127.0.0.1"}, "host": {l.mailbox}, "encryption": {"none"},
		"from": {"lineboard@plant.example"},
	})
	post(
		"/admin/alarms/recipients",
		url.Values{"name": {"Shift lead"}, "kind": {"mail"}, "target": {"lead@plant.example"}},
	)
	for _, kind := range []string{"unknown", "refused"} {
		post(
			"/admin/alarms/rules",
			url.Values{"kind": {kind}, "delay": {"0"}, "from": {"00:00"}, "to": {"00:00"}, "first": {"1"}},
		)
	}
}

// receiveMail begins a mail server that takes all mails.
func (l *lines) receiveMail() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	l.mailbox = listener.Addr().String()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return letterbox{l}, nil }))
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	l.t.Cleanup(func() { _ = server.Close() })
}

// letterbox is one connection to the mail server.
type letterbox struct{ l *lines }

func (letterbox) Mail(string, *smtp.MailOptions) error { return nil }
func (letterbox) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (letterbox) Reset()                               {}
func (letterbox) Logout() error                        { return nil }

func (b letterbox) Data(r io.Reader) error {
	letter, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(letter.Body)
	if err != nil {
		return err
	}
	b.l.mu.Lock()
	id := letter.Header.Get("Message-Id")
	b.l.mails[id] = append(b.l.mails[id], letter.Header.Get("Subject")+"\n"+string(text))
	b.l.mu.Unlock()
	b.l.tell("brought")
	time.Sleep(time.Duration(b.l.some(2, 60)) * time.Millisecond)
	return nil
}

// awaitTaken waits until each list is where it belongs, and each mail is out. Nothing fails from now on.
func (l *lines) awaitTaken(open func() *sql.DB) {
	l.t.Helper()
	l.mu.Lock()
	l.calm = true
	l.mu.Unlock()
	db := open()
	defer db.Close()
	await(l.t, "every list is taken, and every alarm mailed", func() bool {
		var waiting int
		err := db.QueryRowContext(l.t.Context(), `
			SELECT (SELECT count(*) FROM deliveries WHERE state = 'waiting') + (SELECT count(*) FROM alarm_messages WHERE sent_at IS NULL)`).
			Scan(&waiting)
		return err == nil && waiting == 0 // the database may be locked for a moment
	})
}

// delivered is a delivery as the database has it.
type delivered struct {
	uid, destination, kind, state, name string
	order                               int64
	key                                 string
}

// compare gives everything in which what the lines got is not what they were to get. serials are those of each order.
func (l *lines) compare(db *sql.DB, serials map[int64][]string) (problems []string) {
	note := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	problems = append(problems, l.wrong...)
	expected := map[string]map[string]bool{"Share": {}, "MES": {}, "Printer": {}, "Line PC": {}}
	each(l.t, db, `
		SELECT v.uid, d.name, d.kind, v.state, v.name, o.id, o.order_key
		FROM deliveries v JOIN destinations d ON d.id = v.destination_id JOIN releases r ON r.id = v.release_id
		JOIN orders o ON o.id = r.order_id`, func(scan func(...any)) {
		var v delivered
		scan(&v.uid, &v.destination, &v.kind, &v.state, &v.name, &v.order, &v.key)
		if v.state != "taken" {
			note("the list of %s for %s is %s", v.key, v.destination, v.state)
		}
		under := v.uid
		if v.name != "" {
			under = v.name
		}
		expected[v.destination][under] = true
		if said := l.check(v, serials[v.order]); said != "" {
			note("the list of %s for %s: %s", v.key, v.destination, said)
		}
	})
	each(l.t, db, `
		SELECT o.order_key, (SELECT count(*) FROM deliveries v WHERE v.release_id = r.id) FROM releases r JOIN orders o ON o.id = r.order_id
		WHERE r.list_source <> ''`, func(scan func(...any)) {
		var key string
		var n int
		if scan(&key, &n); n != 2 {
			note("the list of %s has %d deliveries", key, n)
		}
	})
	for destination, under := range expected {
		for _, id := range slices.Sorted(maps.Keys(l.under(destination))) {
			if !under[id] {
				note("%s got %s, which no list is", destination, id)
			}
		}
	}
	return append(problems, l.compareMails(db)...)
}

// under returns what a destination got, each time.
func (l *lines) under(destination string) map[string][]string {
	folder, isFiles := map[string]string{"Share": "share", "Printer": "printer"}[destination]
	if !isFiles {
		return l.got[destination]
	}
	got := map[string][]string{}
	entries, err := os.ReadDir(filepath.Join(l.folder, folder))
	if err != nil {
		l.t.Error(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(l.folder, folder, e.Name()))
		if err != nil {
			l.t.Error(err)
		}
		got[e.Name()] = []string{string(content)}
	}
	return got
}

// check says what is wrong with a list at its destination.
func (l *lines) check(v delivered, want []string) string {
	under := v.uid
	if v.name != "" {
		under = v.name
	}
	got := l.under(v.destination)[under]
	if len(got) == 0 {
		return "it is not there"
	}
	if slices.ContainsFunc(got, func(one string) bool { return one != got[0] }) {
		return fmt.Sprintf("it came %d times, not with the same bytes each time", len(got))
	}
	var list []string
	switch v.kind {
	case "webhook":
		var message struct {
			Data struct {
				ID, Order string
				Serials   []string
			}
		}
		if err := json.Unmarshal([]byte(got[0]), &message); err != nil || message.Data.ID != v.uid ||
			message.Data.Order != v.key {
			return fmt.Sprintf("it is another: %v %.100s", err, got[0])
		}
		list = message.Data.Serials
	default:
		rows, err := csv.NewReader(bytes.NewReader([]byte(got[0]))).ReadAll()
		if err != nil || len(rows) == 0 {
			return fmt.Sprintf("it is no CSV: %v", err)
		}
		for _, row := range rows[1:] {
			if row[0] != v.key {
				return "it has rows of " + row[0]
			}
			list = append(list, row[5])
		}
	}
	if !slices.Equal(list, want) {
		return fmt.Sprintf("it has other serial numbers: %q, want %q", list, want)
	}
	return ""
}

// compareMails gives what is wrong with the mails: each is one message, and each alarm began in one.
func (l *lines) compareMails(db *sql.DB) (problems []string) {
	known := map[string]bool{}
	each(l.t, db, `SELECT id FROM alarm_messages`, func(scan func(...any)) {
		var id string
		scan(&id)
		id = "<" + id + "@lineboard>"
		known[id] = true
		if len(l.mails[id]) == 0 {
			problems = append(problems, "the mail "+id+" was lost")
		}
	})
	for id, all := range l.mails {
		if !known[id] || slices.ContainsFunc(all, func(one string) bool { return one != all[0] }) {
			problems = append(
				problems,
				fmt.Sprintf("the mail %s came %d times, and is no message, or not the same each time", id, len(all)),
			)
		}
	}
	each(l.t, db, `
		SELECT count(*) FROM alarms a WHERE NOT EXISTS (SELECT 1 FROM alarm_items i WHERE i.alarm_id = a.id AND i.says = 'began')`,
		func(scan func(...any)) {
			var n int
			if scan(&n); n > 0 {
				problems = append(problems, fmt.Sprintf("%d alarms began without a word", n))
			}
		})
	return problems
}

// counts is what came of it all.
func (l *lines) counts() string {
	times := func(all map[string][]string) (n, again int) {
		for _, each := range all {
			n, again = n+1, again+len(each)-1
		}
		return n, again
	}
	var said []string
	for _, destination := range []string{"Share", "MES", "Printer", "Line PC"} {
		n, again := times(l.under(destination))
		said = append(said, fmt.Sprintf("%s took %d lists (%d times again)", destination, n, again))
	}
	n, again := times(l.mails)
	return strings.Join(said, ", ") + fmt.Sprintf(", %d mails (%d times again)", n, again)
}
