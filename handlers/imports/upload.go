package imports

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

const maxFileName = 100 // characters

// readAhead is how many bytes of a file are looked at before it is read: in a field of so many spaces, nothing is given.
const readAhead = 32 << 10

var errNothingGiven = errors.New("neither a file nor text was given")

// maxForm is how many bytes a form with a file has at most, with what it puts around it.
const maxForm = orderfile.MaxBytes + 1<<20

// uploadedFile reads the file of the form, or what was pasted where there is none, as it comes: it is never in memory as
// a whole. It fails with errNothingGiven if there is neither.
func uploadedFile(c echo.Context) (file packaging.ImportFile, faults packaging.ImportFaults, err error) {
	r := c.Request()
	if r.ContentLength > maxForm {
		return file, faults, &http.MaxBytesError{Limit: maxForm}
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	next, err := formFields(r)
	if err != nil {
		return file, faults, badForm(err)
	}
	err = errNothingGiven
	for {
		field, broken := next()
		if broken == io.EOF { //nolint:errorlint // one that is wrapped says that the form was cut off
			return file, faults, err
		}
		if broken != nil {
			return file, faults, badForm(broken)
		}
		if field.name != "file" && (field.name != "orders" || err == nil) {
			continue
		}
		content, given, broken := readOrders(field.value)
		if broken != nil {
			return file, faults, badForm(broken)
		}
		if given {
			file = packaging.ImportFile{Name: text.Say(r.Context(), "import.pasted")}
			if field.name == "file" {
				file.Name = displayName(field.file)
			}
			file.Rows, file.Questions, faults, err = content.Rows, content.Questions, content.Faults, nil
		}
	}
}

// formField is a field of a form.
type formField struct {
	name, file string // of the field, and of what is sent in it
	value      io.Reader
}

// formFields returns the fields of a form one after the other, and then io.EOF. What is left of one is skipped.
func formFields(r *http.Request) (func() (formField, error), error) {
	parts, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		return (&plainForm{body: bufio.NewReader(r.Body)}).next, nil
	}
	if err != nil {
		return nil, err
	}
	return func() (formField, error) {
		part, err := parts.NextPart()
		if err != nil {
			return formField{}, err
		}
		return formField{part.FormName(), part.FileName(), part}, nil
	}, nil
}

// plainForm is a form as browsers send it without files.
type plainForm struct {
	body *bufio.Reader
	in   bool // a value that is not read to its end
}

func (f *plainForm) next() (formField, error) {
	if _, err := io.Copy(io.Discard, f); err != nil {
		return formField{}, err
	}
	var name strings.Builder
	for {
		switch c, err := f.body.ReadByte(); {
		case err != nil:
			return formField{}, err
		case c == '=':
			f.in = true
			plain, err := url.QueryUnescape(name.String())
			return formField{name: plain, value: f}, err
		case c == '&', name.Len() > maxFileName: // a name without a value, or none that there is
			name.Reset()
		default:
			name.WriteByte(c)
		}
	}
}

// Read reads the value of the field, without the escapes of a form.
func (f *plainForm) Read(into []byte) (n int, err error) {
	for f.in && n < len(into) {
		c, err := f.body.ReadByte()
		switch {
		case errors.Is(err, io.EOF), err == nil && c == '&':
			f.in = false
			continue
		case err != nil:
			return n, err
		case c == '+':
			c = ' '
		case c == '%':
			escape, _ := f.body.Peek(2)
			plain, err := url.QueryUnescape("%" + string(escape))
			if err != nil {
				return n, err
			}
			c = plain[0]
			_, _ = f.body.Discard(2) // Peek has read them
		}
		into[n] = c
		n++
	}
	if n == 0 && len(into) > 0 && !f.in {
		return 0, io.EOF
	}
	return n, nil
}

// readOrders reads the orders of a field. given is false if it has none, nor anything else.
func readOrders(part io.Reader) (content orderfile.Content, given bool, err error) {
	ahead := bufio.NewReaderSize(part, readAhead)
	start, err := ahead.Peek(readAhead)
	if err != nil && !errors.Is(err, io.EOF) {
		return content, false, err
	}
	if strings.TrimSpace(string(start)) == "" {
		return content, false, nil
	}
	content, err = orderfile.Read(ahead, orderfile.FormatOf(string(start)))
	return content, true, err
}

// badForm is what was sent that is no form, unless it was too large to be read. It is nil where there is no error.
func badForm(err error) error {
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return err
	}
	return packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
}

// displayName is how a file is called on pages and in the history: without folders, in one line.
func displayName(sent string) string {
	name := []rune(path.Base(strings.ReplaceAll(strings.ToValidUTF8(sent, "�"), `\`, "/")))
	name = slices.DeleteFunc(name, func(r rune) bool { return !packaging.Printable(string(r)) })
	if len(name) == 0 {
		return "file"
	}
	return string(name[:min(len(name), maxFileName)])
}
