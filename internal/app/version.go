package app

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

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
