package admin_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	house "lineboard/internal/testkit/site"
)

// post is a mail server of a plant: it wants TLS, a user and a password.
type post struct {
	mu      sync.Mutex
	letters []*mail.Message
	bodies  []string
	refuse  bool
	address string
}

func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) {
	if _, encrypted := c.TLSConnectionState(); !encrypted {
		return nil, smtp.ErrAuthRequired
	}
	return &postSession{p: p}, nil
}

type postSession struct {
	p      *post
	signed bool
}

func (s *postSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *postSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "lineboard" || password != "the mail password" {
			return smtp.ErrAuthFailed
		}
		s.signed = true
		return nil
	}), nil
}

func (s *postSession) Mail(string, *smtp.MailOptions) error {
	if !s.signed {
		return smtp.ErrAuthRequired
	}
	return nil
}
func (s *postSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *postSession) Reset()                               {}
func (s *postSession) Logout() error                        { return nil }

func (s *postSession) Data(r io.Reader) error {
	letter, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(letter.Body)
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.letters, s.p.bodies = append(s.p.letters, letter), append(s.p.bodies, string(body))
	if s.p.refuse {
		return fmt.Errorf("mailbox full")
	}
	return err
}

// newPost starts a mail server that speaks TLS from the first byte, and returns the certificate that it shows.
func newPost(t *testing.T) (*post, *x509.CertPool) {
	t.Helper()
	shown := httptest.NewUnstartedServer(nil)
	shown.StartTLS()
	t.Cleanup(shown.Close)
	p := &post{}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: shown.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(p)
	server.AllowInsecureAuth = true // the library does not see that the listener encrypts
	go server.Serve(listener)
	t.Cleanup(func() { _ = server.Close() })
	p.address = listener.Addr().String()
	roots := x509.NewCertPool()
	roots.AddCert(shown.Certificate())
	return p, roots
}

func (p *post) got() ([]*mail.Message, []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.letters, p.bodies
}

func subject(letter *mail.Message) string {
	said, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
	if err != nil {
		return err.Error()
	}
	return said
}

// look has the site look for alarms, and waits until what it sends is out.
func look(t *testing.T, s *house.Site) {
	t.Helper()
	if err := s.Alarms.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Alarms.Wait()
	if err := s.Alarms.Look(t.Context()); err != nil { // what the first look has to say is due by now
		t.Fatal(err)
	}
	s.Alarms.Wait()
}

func setMail(t *testing.T, b *house.Browser, host string, more ...string) {
	t.Helper()
	form := append([]string{
		"language", "en", "address", "https://lineboard.plant.example", "host", host, "encryption", "tls", "from",
		"lineboard@plant.example", "user", "lineboard", "password", "the mail password",
	}, more...)
	if a := b.Post("/admin/alarms/settings", form...); a.Status != http.StatusSeeOther {
		t.Fatalf("settings: %d %s", a.Status, a.Text("[role=alert]"))
	}
}

func addRecipient(t *testing.T, b *house.Browser, name, kind, target string) house.Answer {
	t.Helper()
	a := b.Post("/admin/alarms/recipients", "name", name, "kind", kind, "target", target)
	if a.Status != http.StatusSeeOther && a.Status != http.StatusOK {
		t.Fatalf("recipient: %d %s", a.Status, a.Text("[role=alert]"))
	}
	return a
}

// unknown lets a release end without an answer.
func unknown(t *testing.T, s *house.Site, b *house.Browser, key string) packaging.Order {
	t.Helper()
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.CutAfter, Times: 1})
	o := s.Order(key)
	b.Post(fmt.Sprintf("/orders/%d/release", o.ID), "revision", fmt.Sprint(o.Revision))
	if o = s.Order(key); o.Release == nil || o.Release.Outcome != packaging.Unknown {
		t.Fatalf("%s is not unknown: %+v", key, o.Release)
	}
	return o
}

func TestAnUnknownOutcomeAtNightIsMailedRepeatedTakenAndEnded(t *testing.T) {
	t.Parallel()
	server, roots := newPost(t)
	s := house.New(t, house.Options{DestinationHosts: []string{"127.0.0.1"}, Roots: roots})
	admin, b := s.SignIn("administrator1"), s.SignIn("supervisor1")
	setMail(t, admin, server.address)
	addRecipient(t, admin, "Night shift", "mail", "night@plant.example")
	if a := admin.Post(
		"/admin/alarms/rules", "kind", "unknown", "delay", "5", "from", "00:00", "to", "00:00", "first", "1", "repeat",
		"10", "sound", "yes",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("rule: %d %s", a.Status, a.Text("[role=alert]"))
	}
	unknown(t, s, b, "Order143")
	look(t, s)
	if letters, _ := server.got(); len(letters) != 0 {
		t.Fatal("told before its delay")
	}
	s.Clock.Move(6 * time.Minute)
	look(t, s)
	letters, bodies := server.got()
	if len(letters) != 1 || !strings.Contains(subject(letters[0]), "Outcome unknown") ||
		!strings.Contains(subject(letters[0]), "Order143") {
		t.Fatalf("%d letters, want one: %v", len(letters), letters)
	}
	if !strings.Contains(subject(letters[0]), "Blister line 1") {
		t.Errorf("the subject is %q", subject(letters[0]))
	}
	zone, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	if since := s.Order("Order143").Release.Answered.In(zone).Format("15:04:05 -07:00"); !strings.Contains(bodies[0], since) {
		t.Errorf("the mail says %q, and not since when: %s", bodies[0], since)
	}
	if !strings.Contains(bodies[0], "https://lineboard.plant.example/orders/") ||
		!strings.Contains(bodies[0], "settle the release") {
		t.Errorf("the mail says %q", bodies[0])
	}
	for _, serial := range sandbox.Order143(s.Clock.Now()).Serials {
		if strings.Contains(bodies[0], string(serial)) {
			t.Errorf("the mail has the serial number %s", serial)
		}
	}
	s.Clock.Move(11 * time.Minute)
	look(t, s)
	if letters, _ := server.got(); len(letters) != 2 || !strings.Contains(subject(letters[1]), "Still") {
		t.Fatalf("%d letters, want a repetition", len(letters))
	}
	board := b.Get("/lines/L1")
	if !strings.Contains(board.Text(".alarms"), "Outcome unknown") || board.Attr(".alarms", "data-sounds") != "1" {
		t.Fatalf("the board says %q", board.Text(".alarms"))
	}
	if a := b.Post("/alarms/1/take", "line", "L1"); a.Status != http.StatusSeeOther ||
		a.Header.Get("Location") != "/lines/L1" {
		t.Fatalf("take: %d %s", a.Status, a.Header.Get("Location"))
	}
	if board := b.Get("/lines/L1"); !strings.Contains(board.Text(".alarms"), "is on it") ||
		board.Attr(".alarms", "data-sounds") != "" {
		t.Errorf("after it was taken the board says %q", board.Text(".alarms"))
	}
	if a := s.SignIn("manager1").Post("/alarms/1/take"); a.Status != http.StatusConflict {
		t.Errorf("a second person takes it: %d", a.Status)
	}
	s.Clock.Move(30 * time.Minute)
	look(t, s)
	if letters, _ := server.got(); len(letters) != 2 {
		t.Errorf("%d letters after somebody took it", len(letters))
	}
	b.Post(fmt.Sprintf("/orders/%d/ask", s.Order("Order143").ID))
	look(t, s)
	if letters, _ := server.got(); len(letters) != 3 || !strings.Contains(subject(letters[2]), "Over") {
		t.Errorf("%d letters, want one that it is over", len(letters))
	}
	var deeds []packaging.Deed
	for _, e := range s.History() {
		if strings.HasPrefix(string(e.Deed), "alarm_") && e.OrderKey == "Order143" {
			deeds = append(deeds, e.Deed)
		}
	}
	if fmt.Sprint(deeds) != "[alarm_ended alarm_taken alarm_started]" {
		t.Errorf("the history has %v", deeds)
	}
}

func TestManyAlarmsAtOnceAreOneMessageAndOneThatFailsIsSentAgainUnderItsID(t *testing.T) {
	t.Parallel()
	server, roots := newPost(t)
	server.refuse = true
	s := house.New(t, house.Options{DestinationHosts: []string{"127.0.0.1"}, Roots: roots})
	admin, b := s.SignIn("administrator1"), s.SignIn("supervisor1")
	setMail(t, admin, server.address)
	addRecipient(t, admin, "Night shift", "mail", "night@plant.example, lead@plant.example")
	admin.Post("/admin/alarms/rules", "kind", "unknown", "delay", "0", "from", "00:00", "to", "00:00", "first", "1")
	for _, key := range []string{"Order143", "Order145", "Order146"} {
		unknown(t, s, b, key)
	}
	look(t, s)
	letters, bodies := server.got()
	if len(letters) != 1 || !strings.Contains(subject(letters[0]), "3 alarms") ||
		strings.Count(bodies[0], "Outcome unknown") != 3 {
		t.Fatalf("%d letters: %q", len(letters), bodies)
	}
	if said := admin.Get("/admin/alarms").Text("main"); !strings.Contains(said, "The last message did not go out") {
		t.Errorf("the page does not say that the message failed: %q", said)
	}
	server.mu.Lock()
	server.refuse = false
	server.mu.Unlock()
	s.Clock.Move(time.Minute)
	look(t, s)
	if letters, bodies = server.got(); len(letters) != 2 ||
		letters[1].Header.Get("Message-Id") != letters[0].Header.Get("Message-Id") || bodies[1] != bodies[0] {
		t.Errorf("sent again it is another message: %d letters, %q", len(letters), bodies)
	}
	s.Clock.Move(time.Hour)
	look(t, s)
	if letters, _ = server.got(); len(letters) != 2 {
		t.Errorf("a message that arrived is sent again: %d letters", len(letters))
	}
}

func TestAMailIsNeverSentWithoutTLSThatHoldsNorToAHostThatIsNotListed(t *testing.T) {
	t.Parallel()
	server, _ := newPost(t)
	for name, o := range map[string]house.Options{
		"a certificate that nobody vouches for": {DestinationHosts: []string{"127.0.0.1"}},
		"a host that is not listed":             {},
	} {
		s := house.New(t, o)
		admin := s.SignIn("administrator1")
		setMail(t, admin, server.address)
		addRecipient(t, admin, "Night shift", "mail", "night@plant.example")
		if a := admin.Post("/admin/alarms/recipients/1/try"); a.Status != http.StatusOK ||
			!strings.Contains(a.Text("[role=alert]"), "did not go out") {
			t.Errorf("%s: %d %s", name, a.Status, a.Text("main"))
		}
	}
	if letters, _ := server.got(); len(letters) != 0 {
		t.Errorf("%d letters", len(letters))
	}
}

func TestATryThatArrivesSaysSoAndStandsInTheHistory(t *testing.T) {
	t.Parallel()
	server, roots := newPost(t)
	s := house.New(t, house.Options{DestinationHosts: []string{"127.0.0.1"}, Roots: roots})
	admin := s.SignIn("administrator1")
	setMail(t, admin, server.address)
	addRecipient(t, admin, "Night shift", "mail", "night@plant.example")
	if a := admin.Post("/admin/alarms/recipients/1/try"); a.Status != http.StatusOK ||
		a.Text("p[role=status]") != "A message went out to Night shift. Did it arrive?" {
		t.Errorf("%d %q", a.Status, a.Text("main"))
	}
	letters, bodies := server.got()
	if len(letters) != 1 || !strings.Contains(subject(letters[0]), "test") || !strings.Contains(bodies[0], "test") {
		t.Errorf("%d letters: %q", len(letters), bodies)
	}
	if e := s.History()[0]; e.Deed != packaging.AlarmTested || e.Object != "recipient Night shift" || e.New != "sent" {
		t.Errorf("%+v", e)
	}
}

func TestAHeartbeatIsSentRegularlyAndOneThatFailsIsSaid(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	host, _, _ := net.SplitHostPort(h.Listener.Addr().String())
	s := house.New(t, house.Options{DestinationHosts: []string{host}})
	admin := s.SignIn("administrator1")
	if a := admin.Post(
		"/admin/alarms/settings", "language", "en", "encryption", "tls", "beat", h.URL+"/secret-path", "every", "5",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("settings: %d %s", a.Status, a.Text("[role=alert]"))
	}
	after := func(wait time.Duration, status int) (heard int, said string) {
		s.Clock.Move(wait)
		h.mu.Lock()
		h.status = status
		h.mu.Unlock()
		look(t, s)
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, r := range h.requests {
			if r.Method != http.MethodGet || r.URL.Path != "/secret-path" {
				t.Errorf("%s %s", r.Method, r.URL)
			}
		}
		return len(h.requests), admin.Get("/admin/alarms").Text("main")
	}
	const failed = "The last heartbeat did not arrive"
	for i, step := range []struct {
		wait   time.Duration
		status int
		heard  int
		fails  bool
	}{
		{0, http.StatusOK, 1, false},
		{time.Minute, http.StatusOK, 1, false},
		{5 * time.Minute, http.StatusOK, 2, false},
		{5 * time.Minute, http.StatusInternalServerError, 3, true},
		{5 * time.Minute, http.StatusOK, 4, false},
	} {
		heard, said := after(step.wait, step.status)
		if heard != step.heard || strings.Contains(said, failed) != step.fails {
			t.Errorf("step %d: heard %d times, and the page says %q", i, heard, said)
		}
	}
}

// hook is a receiver of webhooks.
type hook struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	status   int
}

func newHook(t *testing.T) *hook {
	h := &hook{status: http.StatusNoContent}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.requests, h.bodies = append(h.requests, r), append(h.bodies, string(body))
		if h.status == http.StatusFound {
			w.Header().Set("Location", h.URL+"/elsewhere")
		}
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.Close)
	return h
}

func TestAlarmsReachWebhooksTeamsAndSlackInTheirOwnForms(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	host, _, _ := net.SplitHostPort(h.Listener.Addr().String())
	s := house.New(t, house.Options{DestinationHosts: []string{host}})
	admin, b := s.SignIn("administrator1"), s.SignIn("supervisor1")
	setMail(t, admin, "")
	key := addRecipient(t, admin, "SCADA", "webhook", h.URL+"/secret-path").Text(".code")
	addRecipient(t, admin, "Team", "teams", h.URL+"/teams")
	addRecipient(t, admin, "Channel", "slack", h.URL+"/slack")
	page := admin.Get("/admin/alarms")
	if strings.Contains(page.Body, "secret-path") || strings.Contains(page.Body, key) ||
		!strings.HasPrefix(key, "whsec_") {
		t.Error("the page shows a secret again")
	}
	admin.PostAll(
		"/admin/alarms/rules", "kind", "unknown", "delay", "0", "from", "00:00", "to", "00:00", "first", "1", "first",
		"2", "first", "3",
	)
	unknown(t, s, b, "Order143")
	look(t, s)
	if len(h.bodies) != 3 {
		t.Fatalf("%d messages, want 3", len(h.bodies))
	}
	for i, r := range h.requests {
		switch body := h.bodies[i]; r.URL.Path {
		case "/secret-path":
			checkSigned(t, key, r, body)
			var e struct {
				Type string
				Data struct {
					Alarms []struct{ Kind, Line, Order string }
				}
			}
			if err := json.Unmarshal([]byte(body), &e); err != nil || e.Type != "alarm.changed" ||
				len(e.Data.Alarms) != 1 || e.Data.Alarms[0].Order != "Order143" || e.Data.Alarms[0].Line != "L1" {
				t.Errorf("the webhook gets %s", body)
			}
		case "/teams":
			if !strings.Contains(body, "application/vnd.microsoft.card.adaptive") ||
				!strings.Contains(body, "Order143") {
				t.Errorf("Teams gets %s", body)
			}
		case "/slack":
			var slack struct{ Text string }
			if err := json.Unmarshal([]byte(body), &slack); err != nil || !strings.Contains(slack.Text, "Order143") {
				t.Errorf("Slack gets %s", body)
			}
		}
	}
	h.mu.Lock()
	h.status = http.StatusFound
	h.mu.Unlock()
	if a := admin.Post("/admin/alarms/recipients/1/try"); !strings.Contains(a.Text("[role=alert]"), "302") ||
		strings.Contains(a.Body, "secret-path") {
		t.Errorf("a redirect: %s", a.Text("main"))
	}
	if len(h.requests) != 4 {
		t.Errorf("a redirect was followed: %d requests", len(h.requests))
	}
}

func TestAWebhookThatFailsInManyWaysGetsTheSameMessageUntilItTakesIt(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	host, _, _ := net.SplitHostPort(h.Listener.Addr().String())
	s := house.New(t, house.Options{DestinationHosts: []string{host}})
	admin, b := s.SignIn("administrator1"), s.SignIn("supervisor1")
	setMail(t, admin, "")
	addRecipient(t, admin, "SCADA", "webhook", h.URL+"/path")
	admin.Post("/admin/alarms/rules", "kind", "unknown", "delay", "0", "from", "00:00", "to", "00:00", "first", "1")
	unknown(t, s, b, "Order143")
	answers := []int{
		http.StatusInternalServerError, http.StatusGone, http.StatusFound, http.StatusInsufficientStorage,
		http.StatusNoContent,
	}
	for i, status := range answers {
		h.mu.Lock()
		h.status = status
		h.mu.Unlock()
		look(t, s)
		failed := strings.Contains(admin.Get("/admin/alarms").Text("main"), "The last message did not go out")
		if failed != (status != http.StatusNoContent) || len(h.requests) != i+1 {
			t.Errorf("answer %d: failed %t, %d messages", status, failed, len(h.requests))
		}
		s.Clock.Move(11 * time.Minute)
	}
	look(t, s)
	if len(h.requests) != len(answers) {
		t.Errorf("%d messages, want none after the one that was taken", len(h.requests))
	}
	for i, r := range h.requests {
		if r.Header.Get("webhook-id") != h.requests[0].Header.Get("webhook-id") || h.bodies[i] != h.bodies[0] {
			t.Errorf("message %d is another one: %s", i, h.bodies[i])
		}
	}
}

func TestWhatIsSetUpForAlarmsIsCheckedAndStandsInTheHistory(t *testing.T) {
	t.Parallel()
	s := house.New(t, house.Options{})
	admin := s.SignIn("administrator1")
	addRecipient(t, admin, "Night shift", "mail", "night@plant.example")
	before := len(s.History())
	for _, try := range []struct {
		path string
		form []string
		says string
	}{
		{"recipients", []string{"name", "", "kind", "mail", "target", "a@b.example"}, "1 to 80"},
		{"recipients", []string{"name", "night shift", "kind", "mail", "target", "a@b.example"}, "of that name"},
		{"recipients", []string{"name", "X", "kind", "mail", "target", "nobody"}, "e-mail addresses"},
		{"recipients", []string{"name", "X", "kind", "slack", "target", "ftp://x"}, "URL"},
		{"recipients", []string{"name", "X", "kind", "webhook", "target", "https://u:p@x.example/"}, "URL"},
		{"rules", []string{"kind", "unknown", "delay", "-1"}, "whole minutes"},
		{"rules", []string{"kind", "unknown", "delay", "5", "from", "25:00"}, "whole minutes"},
		{"rules", []string{"kind", "unknown", "delay", "5", "next", "10"}, "both who and when"},
		{"rules", []string{"kind", "backup", "delay", "5", "line", "1"}, "not about a line"},
		{
			"settings",
			[]string{"language", "en", "host", "mail.example", "encryption", "tls", "from", "a@b.example"},
			"with its port",
		},
		{
			"settings",
			[]string{
				"language", "en", "host", "mail.example:25", "encryption", "none", "from", "a@b.example", "user", "u",
				"password", "p",
			},
			"under TLS alone",
		},
		{
			"settings",
			[]string{"language", "en", "encryption", "tls", "beat", "https://beat.example/x", "every", "0"},
			"1 to 1440",
		},
	} {
		if a := admin.Post("/admin/alarms/"+try.path, try.form...); a.Status/100 != 4 ||
			!strings.Contains(a.Text("[role=alert]"), try.says) {
			t.Errorf("%s %v: %d %q", try.path, try.form, a.Status, a.Text("[role=alert]"))
		}
	}
	for _, a := range []house.Answer{
		admin.Post("/admin/alarms/rules", "kind", "unknown", "delay", "5", "first", "99"),
		admin.Post("/admin/alarms/rules", "id", "99", "kind", "unknown", "delay", "5"),
		admin.Post("/admin/alarms/rules/99/remove"), admin.Post("/admin/alarms/recipients/99/try"),
		admin.Post("/admin/alarms/recipients/99/remove"), admin.Post("/alarms/99/take"),
	} {
		if a.Status != http.StatusNotFound {
			t.Errorf("what is not there: %d", a.Status)
		}
	}
	if n := len(s.History()); n != before {
		t.Errorf("%d entries of what was refused", n-before)
	}
	admin.Post("/admin/alarms/rules", "kind", "unknown", "delay", "5", "first", "1", "next", "10", "second", "1")
	if a := admin.Post("/admin/alarms/recipients/1/remove"); a.Status != http.StatusConflict {
		t.Errorf("the only one who comes next is removed: %d", a.Status)
	}
	admin.Post("/admin/alarms/rules/1/remove")
	admin.Post("/admin/alarms/recipients/1/remove")
	var said []string
	for _, e := range s.History()[:3] {
		if e.Deed != packaging.AlarmsSet || e.By.Username != "administrator1" {
			t.Errorf("history %+v", e)
		}
		said = append(said, e.Object)
	}
	if fmt.Sprint(said) != "[recipient Night shift alarm rule 1 alarm rule 1]" {
		t.Errorf("the history says %v", said)
	}
}

// checkSigned checks a message as its receiver would, by the specification of Standard Webhooks.
func checkSigned(t *testing.T, key string, r *http.Request, body string) {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, raw)
	fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
		t.Errorf("the signature is %q, want %q", r.Header.Get("webhook-signature"), want)
	}
}

func TestATryThatFailsTellsNobodyTheSecretAddress(t *testing.T) {
	t.Parallel()
	closed := newHook(t)
	closed.Close()
	host, _, _ := net.SplitHostPort(closed.Listener.Addr().String())
	for name, hosts := range map[string][]string{"nobody answers": {host}, "not a host of the server": nil} {
		s := house.New(t, house.Options{DestinationHosts: hosts})
		admin, b := s.SignIn("administrator1"), s.SignIn("supervisor1")
		addRecipient(t, admin, "Channel", "slack", closed.URL+"/secret-path")
		a := admin.Post("/admin/alarms/recipients/1/try")
		if strings.Contains(a.Body, "secret-path") || !strings.Contains(a.Text("[role=alert]"), "did not go out") {
			t.Errorf("%s: the page says %q", name, a.Text("[role=alert]"))
		}
		admin.Post("/admin/alarms/rules", "kind", "unknown", "delay", "0", "from", "00:00", "to", "00:00", "first", "1")
		unknown(t, s, b, "Order143")
		look(t, s)
		if said := fmt.Sprint(s.History()); strings.Contains(said, "secret-path") {
			t.Errorf("%s: the history has the address", name)
		}
		if strings.Contains(s.Log.String(), "secret-path") {
			t.Errorf("%s: the log has the address", name)
		}
	}
}

func TestCredentialsThatAreRefusedAgainAndAgainRaiseTheirAlarm(t *testing.T) {
	t.Parallel()
	s := house.New(t, house.Options{})
	admin := s.SignIn("administrator1")
	admin.Post("/admin/alarms/rules", "kind", "credentials", "delay", "5", "from", "00:00", "to", "00:00")
	s.Box.Inject(sandbox.Fault{Kind: sandbox.ExpiredToken})
	for range 8 { // as a site refreshes, minute by minute
		s.Clock.Move(time.Minute)
		if err := s.Sync.Refresh(t.Context(), s.Tenant("ghent").ID); err == nil {
			t.Fatal("a refresh with refused credentials works")
		}
		look(t, s)
	}
	if said := s.SignIn("supervisor1").Get("/").Text(".alarms"); !strings.Contains(said, "Credentials refused") {
		t.Errorf("the overview says %q", said)
	}
}

func TestCredentialsThatEndSoonAreToldInTimeUntilTheyAreNew(t *testing.T) {
	t.Parallel()
	server, roots := newPost(t)
	s := house.New(t, house.Options{DestinationHosts: []string{"127.0.0.1"}, Roots: roots})
	admin := s.SignIn("administrator1")
	setMail(t, admin, server.address)
	addRecipient(t, admin, "IT", "mail", "it@plant.example")
	admin.Post("/admin/alarms/rules", "kind", "ending", "delay", "0", "from", "00:00", "to", "00:00", "first", "1")
	for _, wrong := range [][]string{
		{"last_day", "31.02.2027", "remind_days", "14"},
		{"last_day", "soon", "remind_days", "14"},
		{"last_day", "2026-12-24", "remind_days", "0"},
		{"last_day", "2026-12-24", "remind_days", "two"},
	} {
		if a := admin.Post("/admin/connection/end", wrong...); a.Status != http.StatusBadRequest ||
			!strings.Contains(a.Text("#end [role=alert]"), "Nothing was changed") {
			t.Errorf("%q: %d %s", wrong, a.Status, a.Text("#end"))
		}
	}
	note := func(day string) {
		t.Helper()
		a := admin.Post("/admin/connection/end", "last_day", day, "remind_days", "14")
		if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/admin/connection?saved=end" {
			t.Fatalf("%d %s", a.Status, a.Text("#end"))
		}
	}
	note("24.12.2026")
	look(t, s)
	if letters, _ := server.got(); len(letters) != 0 {
		t.Fatalf("told on %s", s.Clock.Now())
	}
	if says := admin.Get("/admin").Text("main"); !strings.Contains(says, "Last day of the credentials2026-12-24") ||
		strings.Contains(says, "Ends soon") {
		t.Errorf("the overview of Setup says %s", says)
	}
	s.Clock.Move(17 * 24 * time.Hour) // to 10 December
	admin = s.SignIn("administrator1")
	look(t, s)
	letters, bodies := server.got()
	if len(letters) != 1 || !strings.Contains(subject(letters[0]), "Credentials about to end") ||
		!strings.Contains(bodies[0], "Last day: 2026-12-24") || !strings.Contains(bodies[0], "/admin/connection") {
		t.Fatalf("%d letters: %q", len(letters), bodies)
	}
	if says := admin.Get("/").Text(".alarms"); !strings.Contains(says, "Last day: 2026-12-24") {
		t.Errorf("the overview says %s", says)
	}
	for page, part := range map[string]string{"/admin": "main", "/admin/health": "#findings"} {
		if says := admin.Get(page).Text(part); !strings.Contains(says, "2026-12-24") ||
			!strings.Contains(strings.ToLower(says), "end soon") && !strings.Contains(says, "Ends soon") {
			t.Errorf("%s says %s", page, says)
		}
	}
	note("2027-12-24")
	look(t, s)
	if letters, _ := server.got(); len(letters) != 2 || !strings.Contains(subject(letters[1]), "Over") {
		t.Errorf("%d letters, want one that it is over", len(letters))
	}
	if e := s.History()[1]; e.Object != "end of credentials" ||
		!strings.HasSuffix(e.New, "2027-12-24, told 14 days before") {
		t.Errorf("the history has %s %s → %s", e.Object, e.Old, e.New)
	}
}

func TestAStaticTokenThatSaysWhenItExpiresIsToldOfByItself(t *testing.T) {
	t.Parallel()
	s := house.New(t, house.Options{})
	admin := s.SignIn("administrator1")
	expires := s.Clock.Now().Add(20 * 24 * time.Hour)
	payload := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"key":"k","exp":%d}`, expires.Unix())))
	a := admin.Post("/admin/connection", "base_url", s.Remote.URL, "token_kind", "static", "token_header",
		"x-access-token", "static_token", "eyJhbGciOiJIUzI1NiJ9."+payload+".c2ln", "anyway", "yes")
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("#report"))
	}
	for _, says := range []string{"Token valid until2026-12-13 07:00", "Last day of the credentials2026-12-13 Ends soon"} {
		if page := admin.Get("/admin").Text("main"); !strings.Contains(page, says) {
			t.Errorf("Setup does not say %q: %s", says, page)
		}
	}
	const says = "itself says that it ends 2026-12-13"
	if page := admin.Get("/admin/connection").Text("#end"); !strings.Contains(page, says) {
		t.Errorf("the connection says %s", page)
	}
	// Another kind of token does not use it.
	admin.Post("/admin/connection", "base_url", s.Remote.URL, "token_kind", "dynamic", "token_header",
		"x-access-token", "anyway", "yes")
	if page := admin.Get("/admin").Text("main"); strings.Contains(page, "Last day") {
		t.Errorf("Setup says %s", page)
	}
}

// What the store can't say is an error of the program, and nothing about the recipient.
func TestATryThatTheStoreFailsIsNotSaidToBeUndelivered(t *testing.T) {
	t.Parallel()
	s := house.New(t, house.Options{})
	admin := s.SignIn("administrator1")
	addRecipient(t, admin, "Night", "mail", "night@plant.example")
	s.Tamper("ALTER TABLE alarm_settings RENAME TO away")
	if a := admin.Post("/admin/alarms/recipients/1/try"); a.Status != http.StatusInternalServerError {
		t.Errorf("the try: %d %s", a.Status, a.Text("main"))
	}
	if e := s.History()[0]; e.Deed == packaging.AlarmTested {
		t.Errorf("the history has %+v", e)
	}
}

func TestTheHistoryAndTheOrderSayThatLineboardRaisedAnAlarm(t *testing.T) {
	t.Parallel()
	s := house.New(t, house.Options{})
	admin := s.SignIn("administrator1")
	admin.Post("/admin/alarms/rules", "kind", "refused", "delay", "0", "from", "00:00", "to", "00:00")
	rules := admin.Get("/admin/alarms").Text("main")
	if !strings.Contains(rules, "at once") || strings.Contains(rules, "Now:") {
		t.Errorf("the page of alarms says %q", rules)
	}
	s.Box.SetStatus("Order143", sandbox.Suspended)
	b := s.SignIn("supervisor1")
	order := fmt.Sprintf("/orders/%d", s.Order("Order143").ID)
	b.Post(order+"/release", "revision", fmt.Sprint(s.Order("Order143").Revision))
	if err := s.Alarms.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := b.Get("/history?q=alarm").All(".history tbody tr:not(.day)"); len(rows) == 0 ||
		!strings.Contains(rows[0], "Alarm: Release refused") || !strings.Contains(rows[0], "Lineboard") {
		t.Errorf("the history has %q", rows)
	}
	for _, by := range b.Get(order).All("#story li small") {
		if by = strings.Join(strings.Fields(by), " "); strings.HasSuffix(by, "·") {
			t.Errorf("nobody did what happened: %q", by)
		}
	}
}
