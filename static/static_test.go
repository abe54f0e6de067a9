package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// vendored pins what is not ours: a changed byte must be somebody's decision.
var vendored = map[string]string{
	"vendor/htmx.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
	"vendor/fonts/atkinson-hyperlegible-next-latin-wght-normal.woff2":     "18b2a1a39a2fa298b0ba5390aca68462669826c90925656f1c1f6796e0e1bbaf",
	"vendor/fonts/atkinson-hyperlegible-next-latin-ext-wght-normal.woff2": "7dae0c6c66af1aec82e096186aeb1f0e6fa36ab8061ed65422f2b7daf4dd93f3",
	"vendor/fonts/atkinson-hyperlegible-mono-latin-wght-normal.woff2":     "2706b1ee4f452e744ea91f7e4908cbde9c5d35521bf5ffffc71a382a2de89613",
}

func TestVendoredFilesAreAsTheirMakersShippedThem(t *testing.T) {
	got := map[string]string{}
	err := fs.WalkDir(files, "vendor", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) == ".md" {
			return err
		}
		content, err := fs.ReadFile(files, name)
		sum := sha256.Sum256(content)
		got[name] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(vendored, got); diff != "" {
		t.Errorf("vendored files (-pinned +here):\n%s", diff)
	}
}

func get(t *testing.T, handler http.Handler, method, target string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, response *http.Response) []byte {
	t.Helper()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestEveryFileIsServedForEverUnderItsHash(t *testing.T) {
	for name, address := range site().addresses {
		t.Run(name, func(t *testing.T) {
			response := get(t, Handler(), http.MethodGet, URL(name), nil)
			content := body(t, response)
			sum := sha256.Sum256(content)
			hash := hex.EncodeToString(sum[:])[:10]
			ext := path.Ext(name)
			if want := "/static/" + strings.TrimSuffix(name, ext) + "." + hash + ext; address != want {
				t.Errorf("URL(%q) = %q, want %q", name, address, want)
			}
			want := map[string]string{
				"Cache-Control":    "public, max-age=31536000, immutable",
				"Content-Type":     contentTypes[ext],
				"Content-Length":   strconv.Itoa(len(content)),
				"Content-Encoding": "",
				"ETag":             `"` + hash + `"`,
			}
			got := map[string]string{}
			for field := range want {
				got[field] = response.Header.Get(field)
			}
			if diff := cmp.Diff(want, got); diff != "" || response.StatusCode != http.StatusOK {
				t.Errorf("status %d, header (-want +got):\n%s", response.StatusCode, diff)
			}
		})
	}
}

func TestTextIsCompressedForWhoAcceptsIt(t *testing.T) {
	address := URL("vendor/htmx.min.js")
	plain := body(t, get(t, Handler(), http.MethodGet, address, nil))
	for _, test := range []struct {
		accept string
		zipped bool
	}{
		{"gzip, deflate, br, zstd", true},
		{"br;q=1.0, gzip;q=0.8", true},
		{"GZIP", true},
		{"gzip;q=0", false},
		{"identity", false},
		{"br", false},
		{"", false},
	} {
		t.Run(test.accept, func(t *testing.T) {
			response := get(t, Handler(), http.MethodGet, address, http.Header{"Accept-Encoding": {test.accept}})
			content := body(t, response)
			if got := response.Header.Get("Content-Encoding") == "gzip"; got != test.zipped {
				t.Fatalf("gzip: %v, want %v", got, test.zipped)
			}
			if got := response.Header.Get("Content-Length"); got != strconv.Itoa(len(content)) {
				t.Errorf("Content-Length %s for %d bytes", got, len(content))
			}
			if got := response.Header.Get("Vary"); got != "Accept-Encoding" {
				t.Errorf("Vary %q", got)
			}
			if test.zipped {
				r, err := gzip.NewReader(bytes.NewReader(content))
				if err != nil {
					t.Fatal(err)
				}
				if content, err = io.ReadAll(r); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(content, plain) {
				t.Error("not the file's content")
			}
		})
	}
	t.Run("a font is not", func(t *testing.T) {
		response := get(t, Handler(), http.MethodGet,
			URL("vendor/fonts/atkinson-hyperlegible-mono-latin-wght-normal.woff2"),
			http.Header{"Accept-Encoding": {"gzip"}})
		if response.Header.Get("Content-Encoding") != "" || response.Header.Get("Vary") != "" {
			t.Errorf("header %v", response.Header)
		}
	})
}

func TestWhatTheBrowserHasIsNotSentAgain(t *testing.T) {
	for _, accept := range []string{"", "gzip"} {
		header := http.Header{"Accept-Encoding": {accept}}
		first := get(t, Handler(), http.MethodGet, URL("app.css"), header)
		header.Set("If-None-Match", `"other", `+first.Header.Get("ETag"))
		again := get(t, Handler(), http.MethodGet, URL("app.css"), header)
		if content := body(t, again); again.StatusCode != http.StatusNotModified || len(content) != 0 {
			t.Errorf("Accept-Encoding %q: status %d with %d bytes", accept, again.StatusCode, len(content))
		}
		if got := again.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("Accept-Encoding %q: Cache-Control %q", accept, got)
		}
	}
}

func TestHeadIsGetWithoutItsBody(t *testing.T) {
	for _, accept := range []string{"", "gzip"} {
		header := http.Header{"Accept-Encoding": {accept}}
		want := get(t, Handler(), http.MethodGet, URL("vendor/htmx.min.js"), header)
		got := get(t, Handler(), http.MethodHead, URL("vendor/htmx.min.js"), header)
		if content := body(t, got); got.StatusCode != http.StatusOK || len(content) != 0 {
			t.Errorf("Accept-Encoding %q: status %d with %d bytes", accept, got.StatusCode, len(content))
		}
		if diff := cmp.Diff(want.Header, got.Header); diff != "" {
			t.Errorf("Accept-Encoding %q: header (-GET +HEAD):\n%s", accept, diff)
		}
	}
}

func TestAllElseIsNotFound(t *testing.T) {
	for _, target := range []string{
		"/static/", "/static/app.css", "/static/vendor/", "/static/vendor", "/static/vendor/LICENSES.md",
		"/static/static.go",
		"/static/app.0000000000.css", "/static/../static.go", URL("app.css") + "/", "/",
	} {
		if got := get(t, Handler(), http.MethodGet, target, nil); got.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", target, got.StatusCode)
		}
	}
	if got := get(t, Handler(), http.MethodPost, URL("app.css"), nil); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d, want 405", got.StatusCode)
	}
}

func TestStyleSheetsReferToFilesByTheirHash(t *testing.T) {
	for name := range site().addresses {
		if path.Ext(name) != ".css" {
			continue
		}
		css := string(body(t, get(t, Handler(), http.MethodGet, URL(name), nil)))
		for _, reference := range regexp.MustCompile(`url\(([^)]+)\)`).FindAllStringSubmatch(css, -1) {
			if strings.HasPrefix(reference[1], "data:") || strings.HasPrefix(reference[1], "#") {
				continue
			}
			if got := get(
				t, Handler(), http.MethodGet, path.Join(path.Dir(URL(name)), reference[1]), nil,
			); got.StatusCode != http.StatusOK {
				t.Errorf("%s refers to %s: status %d", name, reference[1], got.StatusCode)
			}
		}
	}

	l, err := load(fstest.MapFS{
		"pages/print.css": {Data: []byte(`a{b:url( '../mark.svg' )}c{d:url("data:x")}e{f:url(#g)}`)},
		"mark.svg":        {Data: []byte(`<svg/>`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := string(l.assets[l.addresses["pages/print.css"]].plain)
	if want := `a{b:url(../` + strings.TrimPrefix(
		l.addresses["mark.svg"], Prefix,
	) + `)}c{d:url("data:x")}e{f:url(#g)}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}

	_, err = load(fstest.MapFS{"a.css": {Data: []byte(`b{c:url(gone.woff2)}`)}})
	if err == nil || !strings.Contains(err.Error(), `a.css refers to "gone.woff2"`) {
		t.Errorf("a style sheet that refers to nothing: %v", err)
	}
}

func TestAnUnknownNamePanicsWithWhatThereIs(t *testing.T) {
	defer func() {
		got, _ := recover().(string)
		if !strings.Contains(got, `no file "app.scss"`) || !strings.Contains(got, "app.css") {
			t.Errorf("panic said %q", got)
		}
	}()
	URL("app.scss")
}
