package app

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// packaged and commit are what a package was built from; linking sets them, and they are empty elsewhere.
var packaged, commit string

// build is what a program was built from.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

// ownBuild returns what this program was built from.
func ownBuild() build {
	b := build{Version: "unknown", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	if packaged != "" {
		b.Version, b.Commit = packaged, commit
		return b
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = cmp.Or(info.Main.Version, b.Version)
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Commit = s.Value
		}
	}
	return b
}

type version struct{}

// Run prints the version.
func (version) Run(p run) error {
	b := ownBuild()
	fmt.Fprintf(p.Stdout, "Lineboard %s\n", b.Version)
	if b.Commit != "" {
		fmt.Fprintf(p.Stdout, "commit %s\n", b.Commit)
	}
	fmt.Fprintf(p.Stdout, "%s, %s\n", b.Go, b.System)
	return nil
}
