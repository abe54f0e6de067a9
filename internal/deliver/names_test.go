package deliver

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/lineside"
)

// plainFiles serves a folder by SFTP as servers do that know less than that of OpenSSH.
type plainFiles struct {
	root     string
	links    bool   // it knows hard links
	replaces bool   // it renames over files
	comes    string // the name of a file of others that comes while a list is written, empty for none
}

var errRefused = errors.New("refused")

func (f plainFiles) at(name string) string { return filepath.Join(f.root, filepath.FromSlash(name)) }

func (f plainFiles) Fileread(r *sftp.Request) (io.ReaderAt, error) { return os.Open(f.at(r.Filepath)) }

func (f plainFiles) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	flags := os.O_WRONLY | os.O_CREATE
	if r.Pflags().Excl {
		flags |= os.O_EXCL
	}
	if f.comes != "" && strings.HasSuffix(r.Filepath, ".part") {
		if err := os.WriteFile(f.at(f.comes), []byte("theirs"), 0o600); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(f.at(r.Filepath), flags, 0o600)
}

func (f plainFiles) Filecmd(r *sftp.Request) error {
	switch r.Method {
	case "Remove":
		return os.Remove(f.at(r.Filepath))
	case "Link":
		if f.links {
			return os.Link(f.at(r.Filepath), f.at(r.Target))
		}
	case "Rename":
		if _, err := os.Stat(f.at(r.Target)); err != nil || f.replaces {
			return os.Rename(f.at(r.Filepath), f.at(r.Target))
		}
	}
	return errRefused
}

func (plainFiles) Filelist(*sftp.Request) (sftp.ListerAt, error) { return nil, errRefused }

// kinds are the servers that there are.
var kinds = map[string]plainFiles{
	"one that knows links": {links: true, replaces: true}, "one that renames over files": {replaces: true},
	"one that renames over no file": {},
}

// onPlain returns a store with one list that becomes L1-1.csv on a server, and starts to bring it.
func onPlain(t *testing.T, f plainFiles, before map[string]string) *shelf {
	t.Helper()
	server, err := lineside.NewSFTP(lineside.Account{
		Name: "line1", Password: "a password",
		Files: &sftp.Handlers{FileGet: f, FilePut: f, FileCmd: f, FileList: f},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s := newShelf(packaging.Destination{
		ID: 1, Name: "Line PC", Kind: packaging.SFTPDestination, Address: server.Address, Username: "line1",
		HostKey: server.HostKey, SecretKind: packaging.PasswordSecret, Format: packaging.CSVFormat,
		FileName: "{{.Line}}-{{.Number}}.csv", GiveUp: time.Hour,
	})
	s.now = secret.New("a password")
	putting(t, f.root, before)
	started(t, s, Options{Hosts: []string{server.Address}})
	return s
}

func TestNoSFTPServerWritesAListOverAFileThatCameMeanwhile(t *testing.T) {
	t.Parallel()
	for name, f := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.root, f.comes = t.TempDir(), "L1-1.csv"
			s := onPlain(t, f, nil)
			select {
			case try := <-s.failed:
				if try.Problem != packaging.OtherFileThere {
					t.Errorf("%+v", try)
				}
			case <-s.taken:
				t.Error("it counts as taken")
			}
			if got := only(t, f.root); contentOf(t, got) != "theirs" {
				t.Errorf("%s has %s", got, contentOf(t, got))
			}
		})
	}
}

func TestEachSFTPServerGetsAListUnderItsName(t *testing.T) {
	t.Parallel()
	uid := newShelf(aFolder(1)).waiting[1].UID
	claim := claimOf(partOf(uid))
	for name, f := range kinds {
		for what, before := range map[string]map[string]string{
			"nothing is there":           nil,
			"a kill left its part":       {partOf(uid): "half"},
			"a kill left its claim":      {partOf(uid): aList, "L1-1.csv": claim},
			"a kill left half its claim": {"L1-1.csv": claim[:9]},
			"a kill left both names":     {partOf(uid): aList, "L1-1.csv": aList},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				f := f
				f.root = t.TempDir()
				s := onPlain(t, f, before)
				select {
				case <-s.taken:
				case try := <-s.failed:
					t.Errorf("%+v", try)
				}
				if got := only(t, f.root); filepath.Base(got) != "L1-1.csv" || contentOf(t, got) != aList {
					t.Errorf("%s has %s", got, contentOf(t, got))
				}
			})
		}
	}
}
