package deliver

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"lineboard/internal/listfile"
	"lineboard/internal/packaging"
)

// folder is a folder of the server, perhaps of another machine. Its calls may hang.
type folder struct{ root string }

// bring writes a file beside its place and gives it its name, never over another file. The same bytes there already
// count as taken.
func (f folder) bring(ctx context.Context, p parcel) error {
	root, err := f.open()
	if err != nil {
		return err
	}
	defer root.Close()
	within := path.Dir(p.Name)
	part := path.Join(within, partOf(p.UID))
	ours := f.isClaimed(root, part, p.Name) // a kill came just before the name got its file
	if there, err := f.isThere(root, p); !ours && (err != nil || there) {
		_ = root.Remove(part) // a kill may have come just after the file got its name
		return err
	}
	if within != "." {
		if err := root.MkdirAll(within, 0o755); err != nil {
			return fail(packaging.NotWritten, err)
		}
	}
	if err := f.write(ctx, root, part, p.writeTo); err != nil {
		return err
	}
	name := publish
	if ours {
		name = (*os.Root).Rename
	}
	if err := name(root, part, p.Name); err != nil {
		_ = root.Remove(part) // it is written over next time
		return f.notNamed(root, p, err)
	}
	return syncFolder(root, within)
}

// notNamed returns what it means that a file did not get its name: nothing where the same bytes have it by now.
func (f folder) notNamed(root *os.Root, p parcel, err error) error {
	if !errors.Is(err, fs.ErrExist) {
		return fail(packaging.NotWritten, err)
	}
	there, err := f.isThere(root, p)
	if err == nil && !there {
		err = &packaging.DeliveryFailure{Problem: packaging.NotWritten}
	}
	return err
}

func (f folder) open() (*os.Root, error) {
	if f.root == "" {
		return nil, &packaging.DeliveryFailure{Problem: packaging.NoSuchRoot}
	}
	root, err := os.OpenRoot(f.root)
	if err != nil {
		return nil, &packaging.DeliveryFailure{Problem: packaging.NoSuchRoot, Detail: err.Error()}
	}
	return root, nil
}

// partOf names a file that is not whole yet. Programs that read a folder leave such names alone.
func partOf(uid string) string { return ".lineboard-" + uid + ".part" }

// write writes a new file and makes sure that it is on the disk. What has its name goes first: it may be a link, or
// another name of a file that a line has by now.
func (f folder) write(ctx context.Context, root *os.Root, name string, write func(io.Writer) error) error {
	_ = root.Remove(name)
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fail(packaging.NotWritten, err)
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = ctx.Err() // nothing gets its name once the try counts as failed
	}
	if err != nil {
		_ = root.Remove(name) // it is written over next time
		return fail(packaging.NotWritten, err)
	}
	return nil
}

// ways are how a file gets its name unless another file has it. Not every file system knows each: the first that it
// knows counts.
var ways = []func(root *os.Root, part, name string) error{linkUnlessThere, renameUnlessThere, claimUnlessThere}

// publish gives a file its name, if no file has it.
func publish(root *os.Root, part, name string) (err error) {
	for _, way := range ways {
		if err = way(root, part, name); err == nil || !isUnknownWay(err) {
			return err
		}
	}
	return err
}

// isUnknownWay says whether the file system may not know a way, and so nothing was done.
func isUnknownWay(err error) bool {
	for _, one := range []error{
		errors.ErrUnsupported, syscall.EPERM, syscall.EACCES, syscall.ENOSYS, syscall.EMLINK, syscall.EINVAL,
	} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

func linkUnlessThere(root *os.Root, part, name string) error {
	if err := root.Link(part, name); err != nil {
		return err
	}
	return root.Remove(part)
}

// claimUnlessThere takes the name by a file that says so, and then replaces that.
func claimUnlessThere(root *os.Root, part, name string) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, claimOf(part))
	if err := cmp.Or(err, file.Close()); err != nil {
		_ = root.Remove(name) // if that fails too, it counts as a claim next time
		return err
	}
	return root.Rename(part, name)
}

// claimOf is what a file says that holds a name for another one.
func claimOf(part string) string { return path.Base(part) + " gets this name.\n" }

// isClaimed says whether a file has a name only to hold it for another one.
func (f folder) isClaimed(root *os.Root, part, name string) bool {
	file, err := root.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	return isClaim(file, part)
}

// isClaim says whether a file only holds its name for another one. A kill or a full disk may have cut what it says, to
// nothing even: an empty file keeps no name.
func isClaim(file io.Reader, part string) bool {
	claim := claimOf(part)
	said, err := io.ReadAll(io.LimitReader(file, int64(len(claim))+1))
	return err == nil && strings.HasPrefix(claim, string(said))
}

// syncFolder makes sure that a name is on the disk, where the file system can tell.
func syncFolder(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return nil //nolint:nilerr // the file is there, and whole
	}
	_ = dir.Sync() // not every file system can
	return dir.Close()
}

// isThere reports whether the parcel's file is there already. A file of its name with other bytes is a failure.
func (f folder) isThere(root *os.Root, p parcel) (bool, error) {
	file, err := root.Open(p.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fail(packaging.NotWritten, err)
	}
	defer file.Close()
	return sameBytes(file, p.Delivery)
}

// sameBytes reports whether a file has the bytes of a delivery, and fails if it has others.
func sameBytes(r io.Reader, v packaging.Delivery) (bool, error) {
	sum := listfile.NewSummer(io.Discard)
	if _, err := io.Copy(sum, io.LimitReader(r, v.Size+1)); err != nil {
		return false, fail(packaging.NotWritten, err)
	}
	if size, digest := sum.Sum(); size != v.Size || digest != v.Digest {
		return false, &packaging.DeliveryFailure{Problem: packaging.OtherFileThere, Detail: v.Name}
	}
	return true, nil
}

// try writes a file that no line imports, and removes it.
func (f folder) try(ctx context.Context) error {
	root, err := f.open()
	if err != nil {
		return err
	}
	defer root.Close()
	name := partOf("test-" + strings.ToLower(rand.Text()))
	if err := f.write(ctx, root, name, writeTest); err != nil {
		return err
	}
	if err := root.Remove(name); err != nil {
		return fail(packaging.NotWritten, err)
	}
	return nil
}

// writeTest writes what a test has instead of serial numbers.
func writeTest(w io.Writer) error {
	_, err := io.WriteString(w, "Lineboard wrote this to try the way. It has no serial numbers and can be deleted.\n")
	return err
}

// clean returns what a destination says as text that can be shown.
func clean(said string) string {
	said = strings.Join(strings.Fields(strings.ToValidUTF8(said, "�")), " ")
	if len(said) > maxDetail {
		said = strings.ToValidUTF8(said[:maxDetail], "") + "…"
	}
	return said
}
