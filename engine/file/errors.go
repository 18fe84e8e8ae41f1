package file

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// name is Django's word for this engine.
const name = "file"

// errNoFolder goes around what stops the folder itself from being opened.
type errNoFolder struct{ error }

func (e errNoFolder) Unwrap() error { return e.error }

// failure says what became of an operation. It returns nil for a nil err.
func (f *folder) failure(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		// Nobody waits for the answer any more: no fault of the disk's.
		return &cloakroom.Error{Engine: name, Op: op, Kind: context.Canceled}
	}
	for _, kind := range []error{cloakroom.ErrNotFound, cloakroom.ErrConflict, cloakroom.ErrGone} {
		if errors.Is(err, kind) {
			return failed(op, kind)
		}
	}
	e := &cloakroom.Error{Engine: name, Op: op, Kind: cloakroom.ErrUnavailable, Err: cause(err)}
	_, folder := errors.AsType[errNoFolder](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Reason, e.Mend = "the disk did not answer in time", "see what keeps it busy"
	case folder && errors.Is(err, fs.ErrNotExist):
		e.Reason, e.Mend = "the folder is missing", "create "+f.path+", or mount what it is on"
	case folder && errors.Is(err, syscall.ENOTDIR):
		e.Reason, e.Mend = "what should be a folder is none", "see "+f.path
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Reason, e.Mend = "this user may not do that in the folder", "let it read and write "+f.path+" and the files there"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Reason, e.Mend = "the disk is full", "make room, or clear expired sessions"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		e.Reason, e.Mend = "too many files are open", "raise the limit on open files"
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.EBADF):
		e.Reason, e.Mend = "the folder cannot be locked", "keep sessions on a local disk of a Unix system"
	default:
		e.Reason, e.Mend = "the disk failed", "see what "+f.path+" is on"
	}
	return e
}

// cause is err without the names of files, which hold session keys.
func cause(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return nil
}

// unencodable says why a session became no text.
func unencodable(op string, err error) error {
	kind := cloakroom.ErrUnencodable
	if errors.Is(err, signing.ErrTooLarge) {
		kind = cloakroom.ErrTooLarge
	}
	return &cloakroom.Error{Engine: name, Op: op, Kind: kind, Err: err}
}

func failed(op string, kind error) error {
	return &cloakroom.Error{Engine: name, Op: op, Kind: kind}
}

func errNoSecretKey(op string) error {
	return &cloakroom.Error{
		Engine: name, Op: op, Kind: cloakroom.ErrConfig,
		Reason: "there is no secret key to sign sessions with",
		Mend:   "give cloakroom.WithSecretKey the SECRET_KEY of the Django site, or 50 random characters",
	}
}
