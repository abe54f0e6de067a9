package orderfile

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Limits of a workbook, beside those of every file. What has cells is read as it is unpacked, and never held.
const (
	maxUnpacked    = 128 << 20 // bytes of the parts with cells
	maxOthers      = 16 << 20  // bytes of the parts without, such as the styles
	maxOther       = 2 << 20   // bytes of one of them
	maxParts       = 1000
	maxStrings     = 1 << 20  // that cells share
	maxStringBytes = 16 << 20 // of these
)

const (
	sheetsFolder = "xl/worksheets/"
	stringsPart  = "xl/sharedstrings.xml"
)

var errNoWorkbook = errors.New("the file is no workbook")

// workbook is an XLSX file that is unpacked part by part.
type workbook struct {
	parts  map[string]*zip.File // by name in small letters
	styles *excelize.File       // the workbook without its cells
}

// openWorkbook opens a workbook. It fails with errNoWorkbook if it is none, and with errTooLarge if it has too many
// parts, or too large ones.
func openWorkbook(content io.Reader) (*workbook, error) {
	var packed pieces
	if err := packed.readAll(content); err != nil {
		return nil, err
	}
	book, err := zip.NewReader(&packed, packed.size)
	switch {
	case err != nil:
		return nil, errNoWorkbook
	case len(book.File) > maxParts:
		return nil, errTooLarge
	}
	w := workbook{parts: map[string]*zip.File{}}
	var cells, others uint64
	for _, part := range book.File {
		name := partName(part.Name)
		w.parts[name] = part
		switch {
		case hasCells(name):
			cells += part.UncompressedSize64
		case isXML(name):
			others += part.UncompressedSize64
			if part.UncompressedSize64 > maxOther {
				return nil, errTooLarge
			}
		}
	}
	if cells > maxUnpacked || others > maxOthers {
		return nil, errTooLarge
	}
	if w.styles, err = withoutCells(book); err != nil {
		return nil, errNoWorkbook
	}
	return &w, nil
}

func (w *workbook) close() { _ = w.styles.Close() }

func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

func hasCells(name string) bool { return strings.HasPrefix(name, sheetsFolder) || name == stringsPart }

func isXML(name string) bool { return path.Ext(name) == ".xml" || path.Ext(name) == ".rels" }

// withoutCells opens what a workbook has beside its cells.
func withoutCells(book *zip.Reader) (*excelize.File, error) {
	var small bytes.Buffer
	w := zip.NewWriter(&small)
	for _, part := range book.File {
		if name := partName(part.Name); isXML(name) && !hasCells(name) {
			if err := w.Copy(part); err != nil {
				return nil, err
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return excelize.OpenReader(&small, excelize.Options{UnzipSizeLimit: maxOthers, UnzipXMLSizeLimit: maxOthers})
}

// sheets returns the sheets that can be seen: one at least, and each part once, however often a workbook names it.
func (w *workbook) sheets() (seen []*zip.File, err error) {
	var rels struct {
		Relationship []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		}
	}
	raw, _ := w.styles.Pkg.Load("xl/_rels/workbook.xml.rels")
	content, _ := raw.([]byte)
	if err := xml.Unmarshal(content, &rels); err != nil {
		return nil, err
	}
	targets := map[string]string{} // of sheets, by ID
	for _, r := range rels.Relationship {
		if strings.HasSuffix(r.Type, "/worksheet") {
			targets[r.ID] = r.Target
		}
	}
	for _, one := range w.styles.WorkBook.Sheets.Sheet {
		target, is := targets[one.ID]
		if !is || one.State != "" && one.State != "visible" {
			continue
		}
		name := target
		if !path.IsAbs(target) {
			name = path.Join("xl", target)
		}
		if part := w.parts[partName(name)]; !slices.Contains(seen, part) {
			seen = append(seen, part)
		}
	}
	if len(seen) == 0 || seen[0] == nil {
		return nil, errNoWorkbook
	}
	return seen, nil
}

// pieces holds a packed file. It grows without being copied.
type pieces struct {
	all  [][]byte // each but the last of pieceSize bytes
	size int64
}

const pieceSize = 1 << 20

func (p *pieces) readAll(r io.Reader) error {
	for {
		piece := make([]byte, pieceSize)
		n, err := io.ReadFull(r, piece)
		p.all = append(p.all, piece[:n])
		p.size += int64(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// ReadAt is that of [io.ReaderAt].
func (p *pieces) ReadAt(into []byte, at int64) (n int, err error) {
	for n < len(into) && at < p.size {
		copied := copy(into[n:], p.all[at/pieceSize][at%pieceSize:])
		n, at = n+copied, at+int64(copied)
	}
	if n < len(into) {
		return n, io.EOF
	}
	return n, nil
}
