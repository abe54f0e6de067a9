package listfile

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

func written(t *testing.T, form packaging.ListForm, d Document) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, form, d); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func odd() Document {
	v := packaging.Delivery{
		UID: strings.Repeat("a", 32), Facts: packaging.ListFacts{Order: `A,"1`, Number: 2, Lot: "L;1", Count: 3},
	}
	return Of(v, func(do func(packaging.Serial) error) error {
		for i, s := range []string{`S"1`, "S,2", "=3 "} {
			if err := do(packaging.Serial{Seq: int64(i) + 1, Value: s}); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestSerialNumbersComeOutOfEachFormatAsTheyWentIn(t *testing.T) {
	rows, err := csv.NewReader(
		strings.NewReader(written(t, packaging.ListForm{Format: packaging.CSVFormat}, odd())),
	).ReadAll()
	if err != nil || len(rows) != 4 || rows[1][0] != `A,"1` || rows[1][5] != `S"1` || rows[3][5] != "=3 " {
		t.Errorf("CSV %v %v", rows, err)
	}
	var read struct {
		ID      string
		Number  int
		Serials []string
	}
	if err := json.Unmarshal(
		[]byte(written(t, packaging.ListForm{Format: packaging.JSONFormat}, odd())), &read,
	); err != nil ||
		len(read.Serials) != 3 || read.Serials[1] != "S,2" || read.Number != 2 || len(read.ID) != 32 {
		t.Errorf("JSON %+v %v", read, err)
	}
	if text := written(t, packaging.ListForm{Format: packaging.TextFormat}, odd()); text != "S\"1\nS,2\n=3 \n" {
		t.Errorf("text %q", text)
	}
	own := packaging.ListForm{
		Format: packaging.OwnFormat, Template: `{{.Lot}}|{{range .Serials}}{{pad 3 .Number}}={{csv .Serial}};{{end}}`,
	}
	if text := written(t, own, odd()); text != `L;1|001="S""1";002="S,2";003==3 ;` {
		t.Errorf("own %q", text)
	}
}

func TestAListThatBreaksOffIsNoFile(t *testing.T) {
	broken := errors.New("broken")
	for name, each := range map[string]func(func(packaging.Serial) error) error{
		"an error": func(do func(packaging.Serial) error) error {
			_ = do(packaging.Serial{Seq: 1, Value: "S1"})
			return broken
		},
		"too few": func(do func(packaging.Serial) error) error { return do(packaging.Serial{Seq: 1, Value: "S1"}) },
	} {
		for _, format := range packaging.ListFormats {
			d := Of(packaging.Delivery{Facts: packaging.ListFacts{Count: 2}}, each)
			form := packaging.ListForm{Format: format, Template: "{{range .Serials}}{{.Serial}}{{end}}"}
			if err := Write(&bytes.Buffer{}, form, d); err == nil {
				t.Errorf("%s as %s passes for a list", name, format)
			}
		}
	}
}

func TestATemplateThatWouldTakeTheServerDownIsRefused(t *testing.T) {
	for _, text := range []string{
		`{{range .Serials}}{{range $.Serials}}x{{end}}{{end}}`,
		`{{range 1000000000}}{{end}}`,
		strings.Repeat(`{{range .Serials}}{{end}}`, 5),
		`{{range .Serials}}{{else}}{{range .Serials}}{{else}}{{range .Serials}}{{end}}{{range .Serials}}{{end}}{{range .Serials}}{{end}}{{end}}{{end}}`,
		`{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}`,
		`{{printf "%1000000000d" 1}}`,
		`{{pad 1000000000 1}}`,
		`{{$x := "a"}}{{range .Serials}}{{$x = replace "a" "aa" $x}}{{end}}`,
		`{{range .Serials}}` + strings.Repeat("x", 3000) + `{{end}}`,
		`{{call .Serials}}`, `{{index .Order 0}}`, `{{js .Order}}`,
		`{{(len .Order).X}}`, `{{.NoSuch}}`, `{{`, strings.Repeat("x", packaging.MaxTemplate+1),
	} {
		_, err := Check(packaging.ListForm{Format: packaging.OwnFormat, Template: text})
		var failure *packaging.DeliveryFailure
		if !errors.As(err, &failure) || failure.Problem != packaging.BadTemplate {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	preview, err := Check(packaging.ListForm{
		Format:   packaging.OwnFormat,
		Template: `{{date "02.01.2006" .Released}} {{upper .Order}}{{range .Serials}} {{.Serial}}{{else}}none{{end}}`,
	})
	if err != nil || preview != "29.11.2026 4711/A SAMPLE000001 SAMPLE000002 SAMPLE000003" {
		t.Errorf("%q %v", preview, err)
	}
}

// device matches the names that Windows keeps for devices
// (https://learn.microsoft.com/windows/win32/fileio/naming-a-file).
var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)`)

func TestAFilesNameStaysBelowItsRootAndApartFromOthers(t *testing.T) {
	seen := map[string]string{}
	for _, order := range []string{
		"4711", "../../etc/passwd", "..", ".", "/", "a/b", "a_b", `a\b`, "a:b", "CON", "con.txt", "con .x", "Com¹", "CONIN$", "lpt0", " a", "a ", "a.", "",
		"\x00", "a\nb",
		strings.Repeat("x", 300), strings.Repeat("x", 301), "\xff", "a\u202eb",
	} {
		d := Sample(1)
		d.Order = order
		name, err := FileName("{{.Line}}/{{.Order}}.csv", d)
		if err != nil {
			t.Errorf("%q: %v", order, err)
			continue
		}
		if strings.Count(name, "/") != 1 || strings.Contains(name, "../") || len(name) > 200 {
			t.Errorf("%q becomes %q", order, name)
		}
		if _, file, _ := strings.Cut(name, "/"); device.MatchString(file) {
			t.Errorf("%q becomes %q, which Windows keeps for a device", order, file)
		}
		if was, again := seen[name]; again {
			t.Errorf("%q and %q are both %q", order, was, name)
		}
		seen[name] = order
	}
	if name, err := CheckFileName(DefaultFileName(packaging.CSVFormat)); err != nil ||
		!strings.HasSuffix(name, "-1.csv") {
		t.Errorf("%q %v", name, err)
	}
	for _, bad := range []string{
		"list.csv", "{{.Order}}.csv", "../{{.ID}}", "/{{.ID}}", "a//{{.ID}}", "{{.ID}}/", "{{.ID}}:x", "NUL/{{.ID}}",
		"{{range .Serials}}{{.Serial}}{{end}}{{.ID}}", ".{{.ID}}",
	} {
		if name, err := CheckFileName(bad); err == nil {
			t.Errorf("%s is taken, as %q", bad, name)
		}
	}
}

// It writes nothing, so that no write says that its time is over.
func TestATemplateThatWritesNothingEndsInTime(t *testing.T) {
	was := templateTime
	templateTime = 20 * time.Millisecond
	defer func() { templateTime = was }()
	endless := Of(packaging.Delivery{Facts: packaging.ListFacts{Count: 2}},
		func(do func(packaging.Serial) error) error {
			for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
				if err := do(packaging.Serial{Seq: 1, Value: "S1"}); err != nil {
					return err
				}
			}
			return errors.New("nobody ended it")
		})
	err := Write(
		io.Discard, packaging.ListForm{Format: packaging.OwnFormat, Template: `{{range .Serials}}{{end}}`}, endless,
	)
	var failure *packaging.DeliveryFailure
	if !errors.As(err, &failure) || failure.Problem != packaging.BadTemplate ||
		!strings.Contains(failure.Detail, "too long") {
		t.Error(err)
	}
}
