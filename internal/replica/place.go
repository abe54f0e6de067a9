package replica

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lineboard/internal/durable"
)

// Place is where a copy is kept: a tree of small files that several machines reach. Names are paths with slashes.
type Place interface {
	// Create stores a file that is not there. It fails with [fs.ErrExist] if it is: of several only one succeeds.
	Create(ctx context.Context, name string, content []byte) error
	// Put stores a file, in the place of one that may be there.
	Put(ctx context.Context, name string, content []byte) error
	// Get returns a file. It fails with [fs.ErrNotExist] if there is none.
	Get(ctx context.Context, name string) ([]byte, error)
	// List returns the names of what is directly in a folder, sorted; none for a folder that is not there.
	List(ctx context.Context, folder string) ([]string, error)
	// Remove removes a file. It is no error if there is none.
	Remove(ctx context.Context, name string) error
	// Litestream returns how Litestream's configuration names a folder of the place.
	Litestream(folder string) map[string]any
	// Env returns what Litestream's environment must have for that, beside what ours has.
	Env() []string
	// String names the place without credentials.
	String() string
}

// Open returns the place of an address: the path of a folder, sftp://USER@HOST:PORT/PATH with a private key and the
// server's pinned host key, or a bucket of an object store with a file of credentials. It asks nobody.
func Open(address, keyFile, hostKey string) (Place, error) {
	at, err := url.Parse(address)
	switch {
	case err == nil && at.Scheme == "sftp":
		return openServer(at, keyFile, hostKey)
	case err == nil && at.Scheme == "s3":
		return openStore(at, keyFile)
	case filepath.IsAbs(address):
		return mount{folder{filepath.Clean(address)}}, nil
	}
	return nil, errors.New("must be the whole path of a folder, sftp://USER@HOST:PORT/PATH, or " + storeForm)
}

// folder is a place on a file system, which another disk or machine holds.
type folder struct{ path string }

func (f folder) String() string { return f.path }

func (f folder) at(name string) string { return filepath.Join(f.path, filepath.FromSlash(name)) }

// Create makes the file exclusively: the file system lets only one do that.
func (f folder) Create(_ context.Context, name string, content []byte) error {
	path := f.at(name)
	if err := f.folderOf(path); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := written(file, content); err != nil { // a full disk must not keep half of it
		return errors.Join(err, os.Remove(path))
	}
	return durable.SyncFolder(filepath.Dir(path))
}

func written(file *os.File, content []byte) error {
	_, err := file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// folderOf makes the folder of a file, but not the place itself: an empty mount point must not become one.
func (f folder) folderOf(path string) error {
	if _, err := os.Stat(f.path); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Dir(path), 0o700)
}

func (f folder) Put(_ context.Context, name string, content []byte) error {
	path := f.at(name)
	if err := f.folderOf(path); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".part-")
	if err != nil {
		return err
	}
	err = written(file, content)
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(file.Name()))
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// mount is a folder that another disk or machine holds. Where that is not mounted there is an empty folder, which must
// not take anything: once it is mounted, the copy would lack it.
type mount struct{ folder }

// Put stores a file where an epoch has begun.
func (m mount) Put(ctx context.Context, name string, content []byte) error {
	if _, err := os.Stat(m.at(epochsFolder)); err != nil {
		return fmt.Errorf("no epoch has begun at %s: it is not mounted, or another place: %w", m, err)
	}
	return m.folder.Put(ctx, name, content)
}

// linkFolder has links to the epochs at a folder, beside the database.
const linkFolder = "litestream-place"

// linked returns the path of a link beside the database that leads to an epoch's folder. Litestream makes folders that
// are missing, but not what a link leads to: so it writes nothing where the place is not mounted.
func linked(to, database string) (link string, err error) {
	link = filepath.Join(filepath.Dir(database), linkFolder, filepath.Base(to))
	if at, err := os.Readlink(link); err == nil && at == to {
		return link, nil
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
		return "", err
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return link, os.Symlink(to, link)
}

func (f folder) Get(_ context.Context, name string) ([]byte, error) { return os.ReadFile(f.at(name)) }

func (f folder) List(_ context.Context, name string) (names []string, err error) {
	entries, err := os.ReadDir(f.at(name))
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(f.path) // the place itself must be there
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".part-") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

func (f folder) Remove(_ context.Context, name string) error {
	err := os.Remove(f.at(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (f folder) Litestream(name string) map[string]any {
	return map[string]any{"type": "file", "path": f.at(name)}
}

func (f folder) Env() []string { return nil }
