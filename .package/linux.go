package main

import (
	"io"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // the formats that are made
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// linuxPackage writes a .deb or an .rpm, as nfpm.yaml describes it.
func (r release) linuxPackage(t target, format, binary, work string) error {
	values := map[string]string{
		"ARCH": t.processor, "VERSION": r.version, "SOURCE": r.source,
		"BINARY": binary, "LICENCES": filepath.Join(work, licencesFile),
	}
	file := filepath.Join(r.source, ".package", "nfpm.yaml")
	config, err := nfpm.ParseFileWithEnvMapping(file, func(name string) string { return values[name] })
	if err != nil {
		return err
	}
	info, err := config.Get(format)
	if err != nil {
		return err
	}
	scripts := filepath.Join(r.source, ".package")
	info.MTime, info.Scripts = r.date, nfpm.Scripts{
		PostInstall: filepath.Join(scripts, "postinstall"),
		PreRemove:   filepath.Join(scripts, "preremove"),
		PostRemove:  filepath.Join(scripts, "postremove"),
	}
	info = nfpm.WithDefaults(info)
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	return r.writeFile(packager.ConventionalFileName(info), func(w io.Writer) error {
		return packager.Package(info, w)
	})
}
