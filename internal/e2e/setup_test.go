package e2e

import (
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/thorough"
)

var linkForm = regexp.MustCompile(`http://localhost:\d+(/setup\?key=\w+)\n`)

// link waits until the console shows the link of the first start, and gives its path.
func (p *program) link() string {
	p.t.Helper()
	for limit := time.Now().Add(startLimit); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		if found := linkForm.FindStringSubmatch(p.said.String()); found != nil {
			return found[1]
		}
	}
	p.t.Fatal("the console shows no link")
	return ""
}

// newPassword fills in a password with what it is told.
func (p person) newPassword() { p.t.Helper(); p.Fill("Password", sitePassword) }

// setsOwnPassword changes the password that somebody else set.
func (p person) setsOwnPassword() {
	p.t.Helper()
	const own = "my very own words 27"
	p.visit("/account")
	p.Fill("Password now", sitePassword)
	p.Fill("New password", own)
	p.Fill("New password again", own)
	p.Click("Change the password")
	p.See("Your password is changed.")
	p.visit("/")
}

func TestASiteIsSetUpOnATabletFromTheLinkToTheFirstOrders(t *testing.T) {
	t.Parallel()
	box := &remote{program: start(t, nil, "sandbox", "--addr", "127.0.0.1:0")}
	data := filepath.Join(t.TempDir(), "data")
	serve := func() *site {
		return &site{
			program:  startShipped(t, nil, "serve", "--data", data, "--addr", "127.0.0.1:0", "--refresh", "1s"),
			password: sitePassword, remote: box, data: data,
		}
	}
	s := serve()
	p := visitor(t, s)
	p.Viewport(800, 1280)
	p.Touch()

	p.visit("/orders")
	p.See("Look at the console where Lineboard was started.")
	p.visit(s.link())
	p.Fill("Full name", "Anna Kovács")
	p.Fill("Username", "anna")
	p.newPassword()
	p.Fill("The same password again", sitePassword)
	p.Fill("Name of the site", "Plant Ghent")
	p.Fill("Time zone", "Europe/Brussels")
	p.Click("Begin")

	p.See("Until the first release, this site needs:")
	p.Fill("Address", box.address)
	p.Fill("API key", sandbox.APIKey)
	p.Fill("API secret", sandbox.APISecret)
	p.Fill("Channel key", "not-the-channel-key")
	p.Click("Test and save")
	p.See("Nothing was saved, because the test did not work.")
	p.In("#report").See("The channel key is missing or wrong.")
	p.Fill("Channel key", sandbox.ChannelKey) // what else was typed still stands in the form
	p.Click("Test only")
	p.See("The connection works")
	p.In("#report").See("extra_percentage")
	p.Click("Test and save")
	p.See("Saved. The test of the connection worked.")

	// It can be left, and goes on where it was left.
	s.stop()
	s = serve()
	p = visitor(t, s)
	p.Viewport(800, 1280)
	p.Touch()
	p.visit("/")
	p.signIn("anna")
	p.In("header nav").Click("More")
	p.In("header nav").Click("Setup")
	p.In(".first-steps").Click("Lines (missing)")
	p.Fill("Code", "L1")
	p.Fill("Name", "Blister line 1")
	p.Click("Add a line")
	p.See("Saved.")
	p.In(".first-steps").Click("Somebody who may release (missing)")
	p.Click("Add a person")
	p.Fill("Full name", "Sofie Peeters")
	p.Fill("Username", "sofie")
	p.newPassword()
	p.Click("Supervisor releases and settles")
	p.In("main form.setup").Click("Add a person")
	p.See("Saved.")
	p.Gone("Until the first release")
	p.clean()

	// Nobody else is here who could confirm that Sofie has set her own password.
	p.visit("/account")
	p.Click("Waive it")
	p.See("Don't waive it any more")

	sofie := visitor(t, s)
	sofie.Viewport(800, 1280)
	sofie.visit("/")
	sofie.signIn("sofie")
	sofie.setsOwnPassword()
	sofie.awaitOrders()
	sofie.In("main").See("Blister line 1")
	sofie.open("Order143")
	sofie.release("Order143")
	sofie.clean()
	box.releasedExactly("Order143")
}

func TestWhatDoesNotApplyToTheChosenTokenIsNotShown(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	_, s := newWorkplace(t)
	p := visitor(t, s)
	p.visit("/login")
	p.signIn("administrator1")
	p.visit("/admin/connection")
	p.See("API secret")
	p.Gone("Static token")
	p.Choose("Token", "Static: made by a person")
	p.See("Static token")
	p.Gone("API secret")
}
