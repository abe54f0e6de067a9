package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// entry is a file or, by its mode, a folder of an archive.
type entry struct {
	name    string
	mode    os.FileMode
	owner   int
	content []byte
}

// documents are what is beside the program in an archive, by their names there.
var documents = []struct{ name, source string }{
	{"operate.md", "docs/operate.md"},
	{"reference.md", "docs/reference.md"},
	{"lineboard.yaml", "docs/operate/lineboard.yaml"},
	{"lineboard.service", "docs/operate/lineboard.service"},
	{"lineboard.plist", "docs/operate/lineboard.plist"},
}

// archive writes what a person unpacks by hand: a zip for Windows, else a tarball.
func (r release) archive(t target, binary string, licences []byte) error {
	program, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	folder := r.named(t, "/")
	entries := []entry{
		{folder + filepath.Base(binary), 0o755, 0, program},
		{folder + licencesFile, 0o644, 0, licences},
	}
	for _, d := range documents {
		text, err := os.ReadFile(filepath.Join(r.source, d.source))
		if err != nil {
			return err
		}
		entries = append(entries, entry{folder + d.name, 0o644, 0, text})
	}
	if t.system == "windows" {
		return r.writeFile(r.named(t, ".zip"), func(w io.Writer) error { return r.writeZip(w, entries) })
	}
	return r.writeFile(r.named(t, ".tar.gz"), func(w io.Writer) error {
		z := gzip.NewWriter(w)
		return errors.Join(r.writeTar(z, entries), z.Close())
	})
}

// writeFile writes a package of a name.
func (r release) writeFile(name string, write func(io.Writer) error) error {
	file, err := os.OpenFile(filepath.Join(r.out, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

func (r release) writeZip(w io.Writer, entries []entry) error {
	z := zip.NewWriter(w)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: r.date}
		h.SetMode(e.mode)
		file, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := file.Write(e.content); err != nil {
			return err
		}
	}
	return z.Close()
}

func (r release) writeTar(w io.Writer, entries []entry) error {
	t := tar.NewWriter(w)
	for _, e := range entries {
		h := &tar.Header{
			Name: e.name, Mode: int64(e.mode.Perm()), Uid: e.owner, Gid: e.owner, Size: int64(len(e.content)),
			ModTime: r.date, Typeflag: tar.TypeReg, Format: tar.FormatPAX,
		}
		if e.mode.IsDir() {
			h.Typeflag = tar.TypeDir
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(e.content); err != nil {
			return err
		}
	}
	return t.Close()
}
