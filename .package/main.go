// Package main makes Lineboard's packages, without root and without a daemon: .deb, .rpm and a container image for
// Linux, archives for all systems, the licences of what is built in, bills of materials, and checksums. The same commit
// and version give the same bytes.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// release is what is packaged.
type release struct {
	source  string // folder of the source
	out     string // folder of the packages
	version string
	commit  string
	date    time.Time // of the commit: that of everything in the packages
}

// target is a system that Lineboard is built for, by Go's names.
type target struct{ system, processor string }

func (t target) String() string { return t.system + "-" + t.processor }

var allTargets = []target{
	{"linux", "amd64"}, {"linux", "arm64"}, {"windows", "amd64"}, {"darwin", "amd64"}, {"darwin", "arm64"},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("package", flag.ContinueOnError)
	source := flags.String("source", "..", "folder of the source")
	out := flags.String("out", "../.bin/packages", "folder for the packages; it is emptied first")
	version := flags.String("version", "", "version (default: 0.0 and the time of the commit)")
	only := flags.String("targets", "", "systems to build for, such as linux-amd64,windows-amd64 (default: all)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	targets, err := targetsOf(*only)
	if err != nil {
		return err
	}
	r, err := releaseOf(ctx, *source, *out, *version)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	return r.make(ctx, targets)
}

// targetsOf reads a list of targets. An empty one stands for all.
func targetsOf(list string) (targets []target, err error) {
	if list == "" {
		return allTargets, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(allTargets, func(t target) bool { return t.String() == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no target %s", name)
		}
		targets = append(targets, allTargets[i])
	}
	return targets, nil
}

// releaseOf returns the release that the source's commit makes. Changes that are not committed show in its commit.
func releaseOf(ctx context.Context, source, out, version string) (r release, err error) {
	if r.source, err = filepath.Abs(source); err != nil {
		return r, err
	}
	if r.out, err = filepath.Abs(out); err != nil {
		return r, err
	}
	said, err := r.command(ctx, "git", "log", "-1", "--format=%H %ct")
	if err != nil {
		return r, err
	}
	commit, seconds, _ := strings.Cut(strings.TrimSpace(said), " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return r, fmt.Errorf("git says %q: %w", said, err)
	}
	changed, err := r.command(ctx, "git", "status", "--porcelain")
	if err != nil {
		return r, err
	}
	r.commit, r.version, r.date = commit, version, time.Unix(unix, 0).UTC()
	if changed != "" {
		r.commit += ", changed"
	}
	if r.version == "" {
		r.version = "0.0." + r.date.Format("20060102150405")
	}
	return r, nil
}

// make makes all packages of the targets.
func (r release) make(ctx context.Context, targets []target) error {
	licences, err := r.licences(ctx, targets)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "lineboard-package")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a temporary folder
	if err := os.WriteFile(filepath.Join(work, licencesFile), licences, 0o600); err != nil {
		return err
	}
	images := map[target]string{}
	for _, t := range targets {
		fmt.Println(t)
		binary, err := r.build(ctx, t, work)
		if err != nil {
			return err
		}
		if err := r.billOfMaterials(t); err != nil {
			return err
		}
		if err := r.archive(t, binary, licences); err != nil {
			return err
		}
		if t.system != "linux" {
			continue
		}
		images[t] = binary
		for _, format := range []string{"deb", "rpm"} {
			if err := r.linuxPackage(t, format, binary, work); err != nil {
				return fmt.Errorf("%s: %w", format, err)
			}
		}
	}
	if len(images) > 0 {
		if err := r.image(images, licences, work); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	return r.checksums()
}

// build compiles the program for a target, and returns its path.
func (r release) build(ctx context.Context, t target, work string) (binary string, err error) {
	binary = filepath.Join(work, t.String(), "lineboard")
	if t.system == "windows" {
		binary += ".exe"
	}
	link := fmt.Sprintf("-w -X lineboard/internal/app.packaged=%s -X 'lineboard/internal/app.commit=%s'", r.version, r.commit)
	_, err = r.commandFor(ctx, t, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags="+link, "-o", binary, ".")
	return binary, err
}

// command runs a program in the folder of the source, and returns what it prints.
func (r release) command(ctx context.Context, name string, args ...string) (string, error) {
	return r.commandFor(ctx, target{}, name, args...)
}

// commandFor runs a program as command does, with Go's settings for a target.
func (r release) commandFor(ctx context.Context, t target, name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Stdout, c.Stderr = r.source, &stdout, &stderr
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.system, "GOARCH="+t.processor, "GOAMD64=v1", "GOARM64=v8.0", "GOWORK=off")
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, &stderr)
	}
	return stdout.String(), nil
}

// checksums writes the SHA-256 of each package, as sha256sum checks them.
func (r release) checksums() error {
	files, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(r.out, file.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), file.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), sums.Bytes(), 0o644)
}
