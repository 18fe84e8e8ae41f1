package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// folder is what engines with different secret keys share. It is opened anew
// for every operation, so that one which was moved away or mounted later is
// noticed, and so that every operation has a lock of its own to hold.
type folder struct {
	path     string
	prefix   string
	lifetime time.Duration
	slots    chan struct{}
	corrupt  atomic.Int64
}

// maxTogether is how many operations may be waiting for the disk. A disk that
// hangs holds a thread for each.
const maxTogether = 64

// maxText is longer than any text that package signing reads.
const maxText = 2 * signing.MaxPayload

// place is an open folder.
type place struct {
	*os.Root
	dir *os.File
}

// inside runs do in the open folder. When ctx ends meanwhile, do is left to end
// by itself, and what it was to change may have been changed: a disk that hangs
// cannot be called off.
func (f *folder) inside(ctx context.Context, do func(place) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-f.slots }()
		done <- f.enter(do)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *folder) enter(do func(place) error) error {
	p, err := f.open()
	if err != nil {
		return err
	}
	defer p.close()
	return do(p)
}

func (f *folder) open() (place, error) {
	root, err := os.OpenRoot(f.path)
	if err != nil {
		if info, statErr := os.Stat(f.path); statErr == nil && !info.IsDir() {
			err = syscall.ENOTDIR // os.OpenRoot says so in words only
		}
		return place{}, errNoFolder{err}
	}
	dir, err := root.Open(".")
	if err != nil {
		return place{}, errors.Join(errNoFolder{err}, root.Close())
	}
	return place{root, dir}, nil
}

// close gives up the lock, too.
func (p place) close() {
	_ = p.dir.Close()
	_ = p.Root.Close()
}

// lock keeps everybody else who asks for the lock from changing the folder,
// until it is closed. Django does not ask.
func (p place) lock(ctx context.Context) error {
	const longest = 2 * time.Millisecond
	for wait := 20 * time.Microsecond; ; wait = min(2*wait, longest) {
		if locked, err := lock(p.dir); locked || err != nil {
			return err
		}
		select {
		case <-time.After(rand.N(wait)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle gives up the lock and waits until the disk has what was done.
func (p place) settle() error {
	return errors.Join(unlock(p.dir), p.dir.Sync())
}

// stored is the content of a session's file.
type stored struct {
	raw  string
	info fs.FileInfo // whose identity nobody else has while file is open
	file *os.File
}

func (s stored) close() { _ = s.file.Close() }

// read reads a session's file, which has to be closed again. Whatever is no
// plain file is not there: no link is followed, and no pipe waited for.
func (p place) read(name string) (stored, error) {
	info, err := p.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		return stored{}, cloakroom.ErrNotFound
	}
	if err != nil {
		return stored{}, missing(err, cloakroom.ErrNotFound)
	}
	file, err := p.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return stored{}, missing(err, cloakroom.ErrNotFound)
	}
	s := stored{file: file}
	if s.info, err = file.Stat(); err == nil && !s.info.Mode().IsRegular() {
		err = cloakroom.ErrNotFound
	}
	if err == nil {
		s.raw, err = text(file, s.info.Size())
	}
	if err != nil {
		s.close()
		return stored{}, err
	}
	return s, nil
}

// missing gives the error of a file that is not there the meaning it has.
func missing(err, meaning error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return meaning
	}
	return err
}

// text reads a file as far as makes sense.
func text(file *os.File, size int64) (string, error) {
	buf := make([]byte, min(size, maxText))
	n, err := io.ReadFull(file, buf)
	if errors.Is(err, io.ErrUnexpectedEOF) { // somebody cut it meanwhile
		err = nil
	}
	return string(buf[:n]), err
}

// write writes raw to a new file, so that it is on the disk when write returns.
// The file is locked as long as it is open.
func (p place) write(name, raw string, written time.Time) (*os.File, error) {
	file, err := p.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = lock(file); err == nil {
		_, err = file.WriteString(raw)
	}
	if err == nil {
		err = p.Chtimes(name, time.Time{}, written)
	}
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		_ = file.Close()
		_ = p.Remove(name)
		return nil, err
	}
	return file, nil
}

// replace puts the file temp in the place of name if that is still what was
// read. Django may have saved or deleted since: what it saved is put back, and
// what it deleted is not brought back.
func (p place) replace(name, temp string, read fs.FileInfo) error {
	mine, err := p.Lstat(temp)
	if err != nil {
		return err
	}
	for put, expected := mine, read; ; {
		switch err := exchange(p.dir, temp, name); {
		case errors.Is(err, errors.ErrUnsupported):
			return p.Rename(temp, name) // whatever Django did since
		case err != nil:
			return missing(err, cloakroom.ErrGone)
		}
		out, err := p.Lstat(temp)
		switch {
		case err != nil:
			return err
		case !os.SameFile(out, expected):
			put, expected = out, put
		case os.SameFile(put, mine):
			return nil
		default:
			return cloakroom.ErrConflict
		}
	}
}

// probe tries what saving a session takes.
func (f *folder) probe(ctx context.Context) error {
	return f.inside(ctx, func(p place) error {
		if err := p.lock(ctx); err != nil {
			return err
		}
		temp := f.newTempName(cloakroom.NewKey())
		file, err := p.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(file.Close(), p.Remove(temp))
	})
}
