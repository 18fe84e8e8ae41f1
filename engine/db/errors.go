package db

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// diagnosis is what a driver's error means.
type diagnosis struct {
	kind         error
	reason, mend string
}

// failure says what became of an operation. It returns nil for a nil err.
func (d *database) failure(op string, err error) error { return failure(op, err, d.diagnose) }

func failure(op string, err error, diagnose func(error) diagnosis) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		// Nobody waits for the answer any more: no fault of the database's.
		return &cloakroom.Error{Engine: "db", Op: op, Kind: context.Canceled}
	case errors.Is(err, context.DeadlineExceeded):
		return &cloakroom.Error{
			Engine: "db", Op: op, Kind: cloakroom.ErrUnavailable, Err: err,
			Reason: "the database did not answer in time",
			Mend:   "see what keeps it busy",
		}
	}
	found := diagnose(err)
	return &cloakroom.Error{Engine: "db", Op: op, Kind: found.kind, Reason: found.reason, Mend: found.mend, Err: oneLine{err}}
}

// oneLine is an error whose text, of as many lines as the driver likes, is one.
type oneLine struct{ error }

func (e oneLine) Error() string {
	lines := strings.Split(e.error.Error(), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, " ")
}

func (e oneLine) Unwrap() error { return e.error }

// refusedUser begins what is said of a user that may not log in.
const refusedUser = "the database server refuses this user"

// What databases have in common.
var (
	missingTable     = diagnosis{cloakroom.ErrConfig, "the table django_session is missing", "create it with cloakroom migrate"}
	missingGrant     = diagnosis{cloakroom.ErrConfig, "the database does not let this user at the table", "grant SELECT, INSERT, UPDATE and DELETE on django_session"}
	noConnectionLeft = diagnosis{cloakroom.ErrUnavailable, "the database has no connection left", "raise its limit of connections, or lower that of the programs that use it"}
	readOnlyServer   = diagnosis{cloakroom.ErrUnavailable, "the database takes no changes", "name the server that does: the primary, no replica"}
	fullDisk         = diagnosis{cloakroom.ErrUnavailable, "the disk is full", "make room, or clear expired sessions"}
	brokenConnection = diagnosis{cloakroom.ErrUnavailable, "the connection to the database broke", "see the database's log"}
	stopping         = diagnosis{cloakroom.ErrUnavailable, "the database is starting or stopping", "wait, or see its log"}
)

// unreachable is for errors in which no server says anything.
func unreachable(err error) diagnosis {
	if isCertificateError(err) {
		return diagnosis{cloakroom.ErrConfig, "the database's certificate cannot be verified", "name the certificate of its CA, or mend the host name"}
	}
	return diagnosis{cloakroom.ErrUnavailable, "the database cannot be reached", "see that it runs and listens where the address says"}
}

func isCertificateError(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// isConnectionBroken reports that there was a connection, and is none any more.
func isConnectionBroken(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op != "dial" && !op.Timeout()
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// badAddress: what is wrong is said without the address, which has a password.
func badAddress(what string) error {
	return &cloakroom.Error{
		Engine: "db", Op: "open", Kind: cloakroom.ErrConfig,
		Reason: "the address names no database: " + what,
		Mend:   "write sqlite:///relative/path, sqlite:////absolute/path, mysql://user:password@host:port/database or postgres://user:password@host:port/database",
	}
}

// unencodable says why a session became no text.
func (d *database) unencodable(op string, err error) error {
	kind := cloakroom.ErrUnencodable
	if errors.Is(err, signing.ErrTooLarge) {
		kind = cloakroom.ErrTooLarge
	}
	return &cloakroom.Error{Engine: "db", Op: op, Kind: kind, Err: err}
}

// notFound: cause tells why a record that is there cannot be read.
func notFound(cause error) error {
	return &cloakroom.Error{Engine: "db", Op: "load", Kind: cloakroom.ErrNotFound, Err: cause}
}

func gone(op string) error {
	return &cloakroom.Error{Engine: "db", Op: op, Kind: cloakroom.ErrGone}
}

func errNoSecretKey(op string) error {
	return &cloakroom.Error{
		Engine: "db", Op: op, Kind: cloakroom.ErrConfig,
		Reason: "there is no secret key to sign sessions with",
		Mend:   "give cloakroom.WithSecretKey the SECRET_KEY of the Django site, or 50 random characters",
	}
}
