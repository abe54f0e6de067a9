package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// imageUser is who the program runs as in a container, a number without a name, as Kubernetes wants it for runAsNonRoot.
const imageUser = 65532

// imageData is the folder of the data in a container: the only one that the program writes to.
const imageData = "/var/lib/lineboard"

// image writes the container image for all Linux targets, as an archive in the layout of the OCI. It has the program, the
// authorities that browsers trust, and the licences: no shell and no other program. The program brings the time zones.
func (r release) image(binaries map[target]string, licences []byte, work string) error {
	all := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, t := range allTargets {
		binary, ok := binaries[t]
		if !ok {
			continue
		}
		image, err := r.imageFor(t, binary, licences)
		if err != nil {
			return err
		}
		all = mutate.AppendManifests(all, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: t.system, Architecture: t.processor},
		}})
	}
	// One entry with a name for all processors. Skopeo and Podman take an archive that has no other; Docker and containerd
	// read the second annotation.
	named := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: all, Descriptor: v1.Descriptor{Annotations: map[string]string{
			"org.opencontainers.image.ref.name": r.version,
			"io.containerd.image.name":          "docker.io/library/lineboard:" + r.version,
		}},
	})
	folder := filepath.Join(work, "image")
	if _, err := layout.Write(folder, named); err != nil {
		return err
	}
	return r.writeFile("lineboard-"+r.version+"-image.tar", func(w io.Writer) error { return r.tarFolder(w, folder) })
}

// imageFor returns the image for a target.
func (r release) imageFor(t target, binary string, licences []byte) (v1.Image, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if err := r.writeTar(&content, []entry{
		{"etc/", os.ModeDir | 0o755, 0, nil},
		{"etc/ssl/", os.ModeDir | 0o755, 0, nil},
		{"etc/ssl/certs/", os.ModeDir | 0o755, 0, nil},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, 0, authorities()},
		{"usr/", os.ModeDir | 0o755, 0, nil},
		{"usr/bin/", os.ModeDir | 0o755, 0, nil},
		{"usr/bin/lineboard", 0o755, 0, program},
		{"usr/share/", os.ModeDir | 0o755, 0, nil},
		{"usr/share/doc/", os.ModeDir | 0o755, 0, nil},
		{"usr/share/doc/lineboard/", os.ModeDir | 0o755, 0, nil},
		{"usr/share/doc/lineboard/" + licencesFile, 0o644, 0, licences},
		{"var/", os.ModeDir | 0o755, 0, nil},
		{"var/lib/", os.ModeDir | 0o755, 0, nil},
		{imageData[1:] + "/", os.ModeDir | 0o700, imageUser, nil},
	}); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, mutate.Addendum{
		Layer: layer, History: v1.History{CreatedBy: "lineboard " + r.version, Created: v1.Time{Time: r.date}},
	})
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = t.system, t.processor, v1.Time{Time: r.date}
	file.Config = r.imageConfig()
	return mutate.ConfigFile(image, file)
}

// imageConfig returns how the program is run in a container.
func (r release) imageConfig() v1.Config {
	return v1.Config{
		User:         fmt.Sprintf("%d:%[1]d", imageUser),
		Entrypoint:   []string{"/usr/bin/lineboard"},
		Cmd:          []string{"serve"},
		Env:          []string{"LINEBOARD_DATA=" + imageData},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Volumes:      map[string]struct{}{imageData: {}},
		WorkingDir:   "/",
		StopSignal:   "SIGTERM",
		Labels: map[string]string{
			"org.opencontainers.image.title":    "Lineboard",
			"org.opencontainers.image.version":  r.version,
			"org.opencontainers.image.revision": r.commit,
			"org.opencontainers.image.created":  r.date.Format(time.RFC3339),
		},
	}
}

// authorities returns the certificates that browsers trust. Those that they trust for older certificates alone are left
// out: a file can't say that.
func authorities() []byte {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes all
		}
	}
	return all.Bytes()
}

// tarFolder writes the files of a folder in the order of their names.
func (r release) tarFolder(w io.Writer, folder string) error {
	var entries []entry
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		entries = append(entries, entry{filepath.ToSlash(name), 0o644, 0, content})
		return err
	})
	if err != nil {
		return err
	}
	return r.writeTar(w, entries)
}
