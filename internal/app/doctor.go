package app

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"lineboard/internal/doctor"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/admin"
)

type doctorCommand struct {
	settings
	Provision string `placeholder:"FILE" help:"Provisioning file (YAML) to check."`
	JSON      bool   `name:"json" help:"Print JSON."`
	Bundle    string `placeholder:"FILE" help:"New ZIP file with what support needs, and nothing secret."`
}

// Run examines the installation and prints what it finds. Lineboard may be running.
func (d *doctorCommand) Run(p run) error {
	if d.Data == "" {
		d.Data = defaultData
	}
	if _, err := os.Stat(d.Data); err != nil {
		return fmt.Errorf("there is no data folder: %w", err)
	}
	report := reportOf(p, doctor.Examine(d.examineClosed(p, d.Provision, p.Getenv)))
	var err error
	if d.JSON {
		err = report.writeJSON(p.Stdout)
	} else {
		report.write(p.Stdout)
	}
	if err == nil && d.Bundle != "" {
		if err = d.bundle(p, report); err == nil && !d.JSON {
			fmt.Fprintf(
				p.Stdout,
				"\n%s has it all for support. It holds no credential, no name of a person and no serial number.\n",
				d.Bundle,
			)
		}
	}
	if err != nil {
		return err
	}
	switch report.Grade {
	case packaging.Warning:
		return exitError{fmt.Errorf("there is something to look after"), exitWarning}
	case packaging.Fault:
		return exitError{fmt.Errorf("something is wrong"), exitFault}
	}
	return nil
}

// doctorReport is what doctor found, in words.
type doctorReport struct {
	Build    build           `json:"build"`
	At       time.Time       `json:"at"`
	Grade    packaging.Grade `json:"grade"`
	Findings []reported      `json:"findings"`
}

// reported is a finding in words.
type reported struct {
	Check string          `json:"check"`
	Grade packaging.Grade `json:"grade"`
	Text  string          `json:"text"`
	Do    string          `json:"do,omitempty"`
}

func reportOf(p run, findings []packaging.Finding) doctorReport {
	r := doctorReport{Build: ownBuild(), At: time.Now().UTC(), Grade: packaging.Worst(findings)}
	ctx := text.With(p, text.In(text.English, time.Local))
	for _, f := range findings {
		what, do := admin.FindingText(ctx, f)
		r.Findings = append(r.Findings, reported{Check: f.Check, Grade: f.Grade, Text: what, Do: do})
	}
	return r
}

func (r doctorReport) write(w io.Writer) {
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%-8s %-12s %s\n", f.Grade, f.Check, f.Text)
		if f.Do != "" {
			fmt.Fprintf(w, "%22s%s\n", "", f.Do)
		}
	}
}

func (r doctorReport) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
