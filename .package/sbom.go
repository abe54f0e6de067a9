package main

import (
	"bytes"
	"os"
	"path/filepath"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/CycloneDX/cyclonedx-gomod/pkg/generate/app"
	"github.com/CycloneDX/cyclonedx-gomod/pkg/licensedetect/local"
	"github.com/rs/zerolog"
)

// billOfMaterials writes what a target is built from as a CycloneDX file (SBOM), with the licences.
func (r release) billOfMaterials(t target) error {
	for name, value := range map[string]string{"GOOS": t.system, "GOARCH": t.processor, "CGO_ENABLED": "0"} {
		if err := os.Setenv(name, value); err != nil { // by which the generator asks Go
			return err
		}
	}
	defer os.Unsetenv("GOOS")   //nolint:errcheck // it was set above
	defer os.Unsetenv("GOARCH") //nolint:errcheck // it was set above
	quiet := zerolog.Nop()
	g, err := app.NewGenerator(r.source, app.WithIncludeStdlib(true), app.WithLogger(quiet),
		app.WithLicenseDetector(local.NewDetector(quiet)))
	if err != nil {
		return err
	}
	bom, err := g.Generate()
	if err != nil {
		return err
	}
	bom.Metadata.Component.Version = r.version
	bom.Metadata.Timestamp = r.date.Format(time.RFC3339)
	if bom.Components != nil {
		*bom.Components = append(*bom.Components, vendored...)
	}
	var text bytes.Buffer
	e := cdx.NewBOMEncoder(&text, cdx.BOMFileFormatJSON)
	e.SetPretty(true)
	if err := e.Encode(bom); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, r.named(t, ".cdx.json")), text.Bytes(), 0o644)
}

// vendored is what pages bring along, as static/vendor/LICENSES.md and views/shell/icons.go name it.
var vendored = []cdx.Component{
	npm("htmx.org", "2.0.11", "0BSD"),
	npm("@fontsource-variable/atkinson-hyperlegible-next", "5.3.0", "OFL-1.1"),
	npm("@fontsource-variable/atkinson-hyperlegible-mono", "5.3.0", "OFL-1.1"),
	npm("lucide", "1.62.0", "ISC"),
}

func npm(name, version, licence string) cdx.Component {
	url := "pkg:npm/" + name + "@" + version
	return cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: name, Version: version, PackageURL: url, BOMRef: url,
		Licenses: &cdx.Licenses{{License: &cdx.License{ID: licence}}},
	}
}

// named returns the name of a package of a target.
func (r release) named(t target, ending string) string {
	return "lineboard-" + r.version + "-" + t.String() + ending
}
