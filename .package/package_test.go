package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"golang.org/x/sys/unix"
)

// Two clones at different places, the second with an empty build cache: nothing of the machine gets into the packages.
func TestTheSameCommitGivesTheSamePackages(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skipf("it needs git: %v", err)
	}
	var sums [2]string
	for i, name := range []string{"a", "a-longer-name/b"} {
		source := filepath.Join(t.TempDir(), name)
		git(t, "..", "clone", "--quiet", "--no-hardlinks", ".", source)
		if i > 0 {
			t.Setenv("GOCACHE", filepath.Join(t.TempDir(), "cache"))
		}
		text, err := os.ReadFile(filepath.Join(packagesOf(t, source, "1.0.0"), "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = string(text)
	}
	if sums[0] != sums[1] || strings.Count(sums[0], "\n") != 5 {
		t.Errorf("first\n%s, then\n%s", sums[0], sums[1])
	}
}

func TestThePackagesNameAllThatIsBuiltIn(t *testing.T) {
	out := current(t)
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--quiet", "SHA256SUMS")
	check.Dir = out
	if said, err := check.CombinedOutput(); err != nil {
		t.Errorf("checksums: %v: %s", err, said)
	}
	var bom struct {
		Components []struct{ Name, Version string }
		Metadata   struct{ Component struct{ Version string } }
	}
	text, err := os.ReadFile(glob(t, out, "*.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skipf("it needs dpkg-deb: %v", err)
	}
	unpacked := t.TempDir()
	unpack := exec.CommandContext(t.Context(), "dpkg-deb", "-x", glob(t, out, "*.deb"), unpacked)
	if said, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("dpkg-deb: %v: %s", err, said)
	}
	licences, err := os.ReadFile(filepath.Join(unpacked, "usr/share/doc/lineboard/copyright"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range bom.Components {
		heading := "\n" + c.Name + " " + c.Version + " · "
		if strings.Contains(c.Name, ".") && !strings.HasPrefix(c.Name, "htmx") && !bytes.Contains(licences, []byte(heading)) {
			t.Errorf("no licence of %s %s", c.Name, c.Version)
		}
	}
	for _, name := range []string{"The Go standard library", "htmx 2.0.11", "Lucide 1.62.0", "SIL OPEN FONT LICENSE"} {
		if !bytes.Contains(licences, []byte(name)) {
			t.Errorf("no licence of %s", name)
		}
	}
	if len(bom.Components) < 40 || bom.Metadata.Component.Version != "1.1.0" {
		t.Errorf("%d components of %q", len(bom.Components), bom.Metadata.Component.Version)
	}
	said, err := exec.CommandContext(t.Context(), filepath.Join(unpacked, "usr/bin/lineboard"), "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(said), "Lineboard 1.1.0\ncommit ") {
		t.Errorf("version: %v: %s", err, said)
	}
	if _, err := targetsOf("linux-amd64,plan9-arm"); err == nil {
		t.Error("a target that is not known")
	}
}

// The two formats have the same files, and neither takes the administrator's settings for its own.
func TestTheRPMHasWhatTheDebHas(t *testing.T) {
	out := current(t)
	said := func(name string, args ...string) string {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("it needs %s: %v", name, err)
		}
		text, err := exec.CommandContext(t.Context(), name, args...).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return string(text)
	}
	var inDeb []string
	for line := range strings.Lines(said("dpkg-deb", "-c", glob(t, out, "*.deb"))) {
		path := strings.TrimPrefix(strings.TrimSpace(line[strings.LastIndex(line, " ")+1:]), ".")
		if !strings.HasSuffix(path, "/") {
			inDeb = append(inDeb, path)
		}
	}
	rpm := glob(t, out, "*.rpm")
	inRPM := strings.Fields(said("rpm", "-qp", "--queryformat", "[%{FILEMODES:perms} %{FILENAMES}\n]", rpm))
	for i, field := range inRPM {
		if strings.HasPrefix(field, "-") && !slices.Contains(inDeb, inRPM[i+1]) {
			t.Errorf("the .deb lacks %s", inRPM[i+1])
		}
	}
	for _, path := range inDeb {
		if !slices.Contains(inRPM, path) {
			t.Errorf("the .rpm lacks %s", path)
		}
	}
	if flags := said("rpm", "-qp", "--queryformat", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]", rpm); len(inDeb) < 6 ||
		!strings.Contains(flags, "/etc/lineboard/lineboard.yaml cn\n") {
		t.Errorf("%q, and flags %s", inDeb, flags)
	}
	if host := said("rpm", "-qp", "--queryformat", "%{BUILDHOST}", rpm); host != "localhost" {
		t.Errorf("it names the machine that built it: %s", host)
	}
}

// The image's files as a container has them: the root can't be written, and the user is nobody in particular.
func TestTheImageRunsWithoutRightsOnARootThatCannotBeWritten(t *testing.T) {
	needs(t, "unshare", "chroot", "mount")
	image := unpackedImage(t, current(t))
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(t.TempDir(), "root")
	extract(t, image, root)
	data := t.TempDir()
	if err := errors.Join(os.Chown(data, imageUser, imageUser), os.Chmod(data, 0o700), os.Chmod(filepath.Dir(data), 0o755)); err != nil {
		t.Fatal(err)
	}
	var said, log lockedBuffer
	c := exec.Command("unshare", "--mount", "sh", "-c", `root=$1 data=$2 user=$3; shift 3
		mount --bind "$root" "$root" && mount --bind "$data" "$root`+imageData+`" && mount -o remount,bind,ro "$root" &&
		exec chroot --userspec="$user" "$root" "$@"`, "sh", root, data, config.Config.User)
	c.Args = append(c.Args, config.Config.Entrypoint...)
	c.Args = append(c.Args, config.Config.Cmd...)
	c.Args = append(c.Args, "--addr", "127.0.0.1:0")
	c.Env, c.Stdout, c.Stderr = config.Config.Env, &said, &log
	c.Env = append(c.Env, "PATH="+os.Getenv("PATH"))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	var address string
	eventually(t, "the program of the image", func() bool {
		address = regexp.MustCompile(`http://\S+:\d+`).FindString(said.String())
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v: %s %s", err, &said, &log)
		default:
		}
		return address != ""
	})
	if status, page := ask(t, http.DefaultClient, http.MethodGet, address+"/readyz", ""); status != http.StatusOK {
		t.Errorf("readyz: %d %s", status, page)
	}
	if info, err := os.Stat(filepath.Join(data, "lineboard.db")); err != nil || info.Sys().(*syscall.Stat_t).Uid != imageUser {
		t.Errorf("the database: %v, %v", info, err)
	}
	if err := c.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("stopped: %v: %s", err, &log)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not stop")
	}
	pool := x509.NewCertPool()
	if authorities, err := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt")); err != nil || !pool.AppendCertsFromPEM(authorities) ||
		bytes.Count(authorities, []byte("BEGIN CERTIFICATE")) < 100 {
		t.Errorf("authorities: %v", err)
	}
}

// Skopeo takes an archive that has one image, with all its processors, and no other.
func TestSkopeoTakesTheImage(t *testing.T) {
	if _, err := exec.LookPath("skopeo"); err != nil {
		t.Skipf("it needs skopeo: %v", err)
	}
	archive := "oci-archive:" + glob(t, current(t), "*-image.tar")
	said, err := exec.CommandContext(t.Context(), "skopeo", "inspect", archive).CombinedOutput()
	if err != nil || !bytes.Contains(said, []byte(`"org.opencontainers.image.version": "1.1.0"`)) {
		t.Errorf("%v: %s", err, said)
	}
}

// lockedBuffer is what a program says while others read it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// unpackedImage returns the image for this machine from its archive.
func unpackedImage(t *testing.T, packages string) v1.Image {
	t.Helper()
	folder := t.TempDir()
	untar(t, open(t, glob(t, packages, "*-image.tar")), folder)
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	// One entry, with a name: programs that load an archive take no other.
	if one := manifest.Manifests[0]; len(manifest.Manifests) != 1 ||
		one.Annotations["org.opencontainers.image.ref.name"] != "1.1.0" ||
		one.Annotations["io.containerd.image.name"] != "docker.io/library/lineboard:1.1.0" {
		t.Fatalf("at the top: %+v", manifest)
	}
	if index, err = index.ImageIndex(manifest.Manifests[0].Digest); err != nil {
		t.Fatal(err)
	}
	if manifest, err = index.IndexManifest(); err != nil {
		t.Fatal(err)
	}
	if p := manifest.Manifests[0].Platform; len(manifest.Manifests) != 1 || p.Architecture != runtime.GOARCH {
		t.Fatalf("the manifest: %+v", manifest)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func extract(t *testing.T, image v1.Image, root string) {
	t.Helper()
	content := mutate.Extract(image)
	defer content.Close()
	untar(t, content, root)
}

func open(t *testing.T, name string) io.Reader {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(content)
}

// untar unpacks an archive with its modes and owners.
func untar(t *testing.T, archive io.Reader, folder string) {
	t.Helper()
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else {
			content, failed := io.ReadAll(r)
			err = errors.Join(failed, os.WriteFile(path, content, 0o600))
		}
		if err = errors.Join(err, os.Chmod(path, h.FileInfo().Mode().Perm()), os.Chown(path, h.Uid, h.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}
