package app

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"lineboard/db"
)

// bundle writes what support needs to a new ZIP file: what doctor found, the build, the settings, the names of the
// files, and how much there is of everything. Nothing in it is secret: no content of the database leaves, nor of the
// key, the provisioning file or the environment.
func (d *doctorCommand) bundle(p run, report doctorReport) (err error) {
	file, err := os.OpenFile(d.Bundle, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the bundle can't be written: %w", err)
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			err = errors.Join(err, os.Remove(d.Bundle))
		}
	}()
	z := zip.NewWriter(file)
	for _, part := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"findings.json", report.writeJSON},
		{"settings.json", func(w io.Writer) error { return writeJSON(w, namedSettings(d.settings)) }},
		{"files.txt", d.listFiles},
		{"counts.json", func(w io.Writer) error { return d.writeCounts(p, w) }},
	} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate, Modified: time.Now()})
		if err != nil {
			return err
		}
		if err := part.write(w); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return z.Close()
}

func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// namedSettings returns the flags by their fields. No flag holds a secret: they name the files that do.
func namedSettings(s settings) map[string]string {
	all, v := map[string]string{}, reflect.ValueOf(s)
	for _, field := range reflect.VisibleFields(v.Type()) {
		if field.IsExported() && !field.Anonymous {
			all[field.Name] = fmt.Sprint(v.FieldByIndex(field.Index).Interface())
		}
	}
	return all
}

// listFiles writes the names, modes, sizes and times of the files of the data folder.
func (d *doctorCommand) listFiles(w io.Writer) error {
	return filepath.WalkDir(d.Data, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			_, err = fmt.Fprintln(w, err)
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // it went away meanwhile
		}
		_, err = fmt.Fprintf(
			w, "%s %10d %s %s\n", info.Mode(), info.Size(), info.ModTime().UTC().Format(time.RFC3339), path,
		)
		return err
	})
}

// writeCounts writes how many rows each table has, or why that can't be read.
func (d *doctorCommand) writeCounts(p run, w io.Writer) error {
	store, err := db.OpenToRead(p, filepath.Join(d.Data, databaseFile))
	if err != nil {
		return writeJSON(w, map[string]string{"error": strings.ReplaceAll(err.Error(), "\n", " ")})
	}
	defer store.Close() //nolint:errcheck // nothing was written
	counts, err := store.Counts(p)
	if err != nil {
		return err
	}
	return writeJSON(w, counts)
}
