// Package static holds the files that pages need beside their HTML, inside the program.
//
// Every file is served under a name with a hash of its content. So a browser may keep it for ever, and never shows
// yesterday's style to today's page. The parts in css/ and js/ are joined into app.css, app.js and worker.js.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Prefix is the path below which [Handler] expects to be mounted, and with which every [URL] starts.
const Prefix = "/static/"

//go:embed *.css *.js *.svg *.png css js vendor
var files embed.FS

// The files are loaded when they are first needed: not every command serves pages. Loading can only fail on a mistake
// in the files themselves, which then shows in every test.
var site = sync.OnceValue(func() *library { return must(load(files)) })

// Prepare loads the files, for who needs them soon.
func Prepare() { site() }

// URL returns the address of the file of that name, as it lies below this folder: "app.css", "vendor/htmx.min.js".
// An unknown name is a programmer's mistake, and panics.
func URL(name string) string {
	address, ok := site().addresses[name]
	if !ok {
		panic(fmt.Sprintf("static: there is no file %q; there are %s", name,
			strings.Join(slices.Sorted(maps.Keys(site().addresses)), ", ")))
	}
	return address
}

// workerFile is served at an address of its own, and names all other files.
const workerFile = "worker.js"

// parts are the folders of which nothing is served by itself.
var parts = map[string]bool{"css": true, "js": true}

// Worker returns the service worker, which keeps all files for the time when the server can't be reached.
func Worker() []byte { return site().worker }

// Handler returns what serves the files that [URL] points to, and nothing else. It reads the whole path: mount it at
// [Prefix] without stripping.
func Handler() http.Handler { return site() }

// contentTypes says what is served, by extension; a file with any other (a licence, say) is not. A table of our own,
// since package mime asks the machine, and machines differ.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".webmanifest": "application/manifest+json",
	".woff2":       "font/woff2",
}

// compressible are the types that gzip makes smaller; the others are compressed by nature.
var compressible = map[string]bool{".css": true, ".js": true, ".svg": true, ".webmanifest": true}

type asset struct {
	contentType string
	hash        string
	plain       []byte
	zipped      []byte // nil when compressing does not pay
}

type library struct {
	addresses map[string]string // by name
	assets    map[string]asset  // by address
	worker    []byte
}

func must(l *library, err error) *library {
	if err != nil {
		panic("static: " + err.Error())
	}
	return l
}

func load(fsys fs.FS) (*library, error) {
	l := &library{addresses: map[string]string{}, assets: map[string]asset{}}
	var sheets []string
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case parts[name]:
			return fs.SkipDir
		case entry.IsDir() || contentTypes[path.Ext(name)] == "" || name == workerFile:
			return nil
		case path.Ext(name) == ".css":
			sheets = append(sheets, name)
			return nil
		}
		content, err := l.read(fsys, name)
		if err != nil {
			return err
		}
		return l.add(name, content)
	})
	if err != nil {
		return nil, err
	}
	// Style sheets come last: their own hash covers the addresses of what they refer to.
	for _, name := range sheets {
		content, err := l.read(fsys, name)
		if err != nil {
			return nil, err
		}
		if err := l.add(name, fromSheet(name, content)); err != nil {
			return nil, err
		}
	}
	return l, l.makeWorker(fsys)
}

// read returns what is served of a file: scripts of ours and style sheets are joined.
func (l *library) read(fsys fs.FS, name string) ([]byte, error) {
	switch path.Ext(name) {
	case ".css":
		return l.joinSheet(fsys, name)
	case ".js":
		return joinScript(fsys, name)
	default:
		return fs.ReadFile(fsys, name)
	}
}

// makeWorker tells the service worker which files to keep: all that pages refer to, and not the pictures that a device
// takes once to install Lineboard. Whenever a file changes, so does the worker, and browsers take the new one.
func (l *library) makeWorker(fsys fs.FS) error {
	worker, err := joinScript(fsys, workerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	kept := slices.Sorted(maps.Values(l.addresses))
	kept = slices.DeleteFunc(kept, func(address string) bool { return path.Ext(address) == ".png" })
	list := strings.Join(kept, `", "`)
	sum := sha256.Sum256([]byte(list))
	l.worker = []byte(
		strings.NewReplacer("SHELL_FILES", list, "SHELL_HASH", hex.EncodeToString(sum[:])[:10]).Replace(string(worker)),
	)
	return nil
}

func (l *library) add(name string, content []byte) error {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	a := asset{contentType: contentTypes[ext], hash: hex.EncodeToString(sum[:])[:10], plain: content}
	if compressible[ext] {
		zipped, err := compress(content)
		if err != nil {
			return fmt.Errorf("compress %s: %w", name, err)
		}
		if len(zipped) < len(content) {
			a.zipped = zipped
		}
	}
	address := Prefix + strings.TrimSuffix(name, ext) + "." + a.hash + ext
	l.addresses[name] = address
	l.assets[address] = a
	return nil
}

var cssReference = regexp.MustCompile(`url\(\s*["']?([^"')]+?)["']?\s*\)`)

// resolve replaces the files that a style sheet refers to by their addresses.
func (l *library) resolve(name string, css []byte) ([]byte, error) {
	var unknown error
	resolved := cssReference.ReplaceAllFunc(css, func(match []byte) []byte {
		reference := string(cssReference.FindSubmatch(match)[1])
		if strings.HasPrefix(reference, "data:") || strings.HasPrefix(reference, "#") ||
			strings.HasPrefix(reference, Prefix) {
			return match
		}
		address, ok := l.addresses[path.Join(path.Dir(name), reference)]
		if !ok {
			unknown = fmt.Errorf("%s refers to %q, and there is no such file", name, reference)
			return match
		}
		return []byte("url(" + address + ")")
	})
	return resolved, unknown
}

// fromSheet makes the addresses in a style sheet relative to it: a proxy may serve all files below a path.
func fromSheet(name string, css []byte) []byte {
	return bytes.ReplaceAll(css, []byte("url("+Prefix), []byte("url("+strings.Repeat("../", strings.Count(name, "/"))))
}

func compress(content []byte) ([]byte, error) {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func (l *library) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := l.assets[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Content-Type", a.contentType)
	content, etag := a.plain, a.hash
	if a.zipped != nil {
		header.Set("Vary", "Accept-Encoding")
		if AcceptsGzip(r.Header) {
			// Other bytes, so another tag. ServeContent leaves the length of encoded content to us.
			content, etag = a.zipped, a.hash+"-gzip"
			header.Set("Content-Encoding", "gzip")
			header.Set("Content-Length", strconv.Itoa(len(content)))
		}
	}
	header.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// AcceptsGzip says whether who asks takes gzip. It leaves out "*": every browser names gzip, and what does not name it
// is well served with plain bytes.
func AcceptsGzip(request http.Header) bool {
	accepted := request.Values("Accept-Encoding")
	if len(accepted) == 0 {
		return false
	}
	for _, offer := range strings.Split(strings.Join(accepted, ","), ",") {
		coding, parameters, err := mime.ParseMediaType(strings.TrimSpace(offer))
		if err != nil || coding != "gzip" {
			continue
		}
		quality, err := strconv.ParseFloat(parameters["q"], 64)
		return err != nil || quality > 0
	}
	return false
}
