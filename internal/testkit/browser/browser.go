// Package browser drives a real Chromium in tests, in the words of the person who sits in front of it: a test opens a
// page, fills in a field by its label, presses a button by its name, and sees a text. What the package looks for is
// what the browser tells assistive technology, so a test that passes is also a page that a screen reader can name.
//
// A process starts one browser, at its first [Open], and it ends with the process; [OpenSounding] starts another. Every
// Open is a window of its own, with its own cookies. Every wait ends after [Patience] at the latest, and nothing sleeps
// for a fixed time.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/launcher/flags"
	"github.com/go-rod/rod/lib/proto"
)

// Patience is how long a helper waits for what it was told to find before it fails the test. It is long for a machine
// that is busy with much else; a test that passes never waits for it.
const Patience = 60 * time.Second

// TB is the part of testing.TB that is needed here, so that a program that takes pictures can be one too. Fatalf must
// not return.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Open gives a window of 1280×800, light, online and with scripts. It shows an empty page, shares nothing with other
// windows, and is closed when the test ends. Without a Chromium on the machine the test fails: a skipped test proves
// nothing.
//
// A Page belongs to the goroutine of its test.
func Open(t TB) *Page {
	t.Helper()
	return openIn(t, start)
}

// OpenSounding is Open with a browser that lets pages sound before somebody has touched them, as kiosks are set up.
func OpenSounding(t TB) *Page {
	t.Helper()
	return openIn(t, startSounding)
}

func openIn(t TB, start func() (*rod.Browser, error)) *Page {
	t.Helper()
	whole, err := start()
	if err != nil {
		t.Fatalf("browser: %v", err)
	}
	p, err := open(t, whole)
	if err != nil {
		t.Fatalf("browser: open a window: %v", err)
	}
	return p
}

// Without a window Chromium lets every page sound. People's browsers wait until somebody has touched it.
var (
	start         = sync.OnceValues(func() (*rod.Browser, error) { return launch("document-user-activation-required") })
	startSounding = sync.OnceValues(func() (*rod.Browser, error) { return launch("no-user-gesture-required") })
)

func launch(autoplay string) (*rod.Browser, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	profile, err := newProfile()
	if err != nil {
		return nil, err
	}
	// Leakless sets a guard beside the browser, which ends it when this process is gone, however it went.
	l := launcher.New().Bin(bin).Leakless(true).UserDataDir(profile)
	for _, flag := range []flags.Flag{"disable-gpu", "disable-quic", "disable-component-update", "hide-scrollbars"} {
		l.Set(flag)
	}
	// A machine without a screen has no pointer either, and pages would take the person for one without a mouse: these
	// are Chromium's own numbers for a fine pointer that can hover.
	l.Set(
		"blink-settings", "primaryPointerType=4", "availablePointerTypes=4", "primaryHoverType=2",
		"availableHoverTypes=2",
	)
	// Chromium draws parts of its own window as pages in processes of their own, and nobody looks at them here.
	l.Append(
		"disable-features", "InitialWebUI", "WebUIReloadButton", "WebUIToolbar", "PreloadTopChromeWebUI",
		"WebUIOmniboxPopup",
	)
	// The language that a page is asked for must not depend on the machine.
	l.Set("lang", "en-US").Set("accept-lang", "en-US")
	l.Set("autoplay-policy", autoplay)
	// A page lives for seconds here: to optimise its scripts takes longer than to run them as they are.
	l.Set("js-flags", "--no-opt", "--no-maglev")
	if os.Geteuid() == 0 {
		// Chromium's sandbox refuses to run as root.
		l.NoSandbox(true)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*Patience)
	defer cancel()
	address, err := l.Context(ctx).Launch()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", bin, err)
	}
	whole := rod.New().ControlURL(address).NoDefaultDevice()
	if err := whole.Connect(); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", bin, err)
	}
	return whole, nil
}

func find() (string, error) {
	if name := os.Getenv("LINEBOARD_CHROMIUM"); name != "" {
		bin, err := exec.LookPath(name)
		if err != nil {
			return "", fmt.Errorf("LINEBOARD_CHROMIUM: %w", err)
		}
		return bin, nil
	}
	// The first is Chromium without the window around the page: it starts and draws in half the time.
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if bin, err := exec.LookPath(name); err == nil {
			return bin, nil
		}
	}
	return "", errors.New("no Chromium on PATH: `make install` installs Debian's package chromium-headless-shell, " +
		"or LINEBOARD_CHROMIUM names the program to use")
}

const profilePrefix = "lineboard-browser-"

// newProfile makes a folder for the browser's data. The guard that ends the browser can't remove its folder, so each
// start removes those that earlier processes left. An hour is longer than any test process may live.
func newProfile() (string, error) {
	old, err := filepath.Glob(filepath.Join(os.TempDir(), profilePrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, dir := range old {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(dir)
		}
	}
	return os.MkdirTemp("", profilePrefix)
}

func open(t TB, whole *rod.Browser) (*Page, error) {
	window, err := whole.Timeout(Patience).Incognito()
	if err != nil {
		return nil, err
	}
	window = window.CancelTimeout()
	// A browser with a window asks nobody before a page copies what a person pressed on; one without refuses.
	copies := proto.BrowserGrantPermissions{
		Permissions:      []proto.BrowserPermissionType{proto.BrowserPermissionTypeClipboardSanitizedWrite},
		BrowserContextID: window.BrowserContextID,
	}
	if err := copies.Call(whole.Timeout(Patience)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		// A window that can't be closed goes with the browser.
		_ = proto.TargetDisposeBrowserContext{BrowserContextID: window.BrowserContextID}.Call(whole.Timeout(Patience))
	})
	tab, err := window.Context(ctx).Page(proto.TargetCreateTarget{})
	if err != nil {
		return nil, err
	}
	p := &Page{t: t, tab: tab, state: &state{}, patience: Patience}
	p.state.log.listen(tab)
	if err := p.viewport(1280, 800, 1); err != nil {
		return nil, err
	}
	return p, p.dark(false)
}
