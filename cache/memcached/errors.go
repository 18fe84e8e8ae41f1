package memcached

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"os"
	"strings"

	"github.com/cloakroom-go/cloakroom"
)

// tooLarge is what a visitor is told.
const tooLarge = "the session is larger than Memcached takes"

var (
	// errNonsense is an answer of no known kind. It tells nothing of the answer,
	// which may be a part of a session.
	errNonsense = errors.New("what answers is no Memcached, or out of step")

	errNoCAS = &cloakroom.Error{
		Kind: cloakroom.ErrConfig, Reason: "Memcached does not tell who saved last",
		Mend: "start it without -C (--disable-cas)",
	}

	errUntold = &cloakroom.Error{
		Kind: cloakroom.ErrUnavailable, Reason: "the connection broke before Memcached told whether it saved the session",
		Mend: "try again",
	}
)

// refused is an answer that says why not. It quotes no key.
type refused struct{ answer string }

func (r *refused) Error() string { return r.answer }

// refusal is the error that an unexpected line means.
func refusal(line []byte) error {
	answer := string(line)
	for _, kind := range []string{"SERVER_ERROR", "CLIENT_ERROR", "ERROR", "BUSY", "BADCLASS"} {
		if answer == kind || strings.HasPrefix(answer, kind+" ") {
			return &refused{answer}
		}
	}
	return errNonsense
}

// answerIn returns what the server said that made err, if it said anything.
func answerIn(err error) string {
	if r, ok := errors.AsType[*refused](err); ok {
		return r.answer
	}
	return ""
}

// diagnoses are what refusals mean, tried in order.
var diagnoses = []struct {
	says         string // a part of the answer
	kind         error
	reason, mend string
}{
	{"object too large", cloakroom.ErrTooLarge, tooLarge, "keep less in it, or start memcached with a larger -I (--max-item-size; 1m is its default)"},
	{"of memory", cloakroom.ErrUnavailable, "Memcached is full", "start it with more memory (-m), and without -M"},
	{"unauthenticated", cloakroom.ErrConfig, "Memcached wants a password", "start it without -Y and -S: Django's clients know none either"},
	{"BUSY", cloakroom.ErrUnavailable, "Memcached is making a list for somebody else", "try again"},
	{"open connections", cloakroom.ErrUnavailable, "Memcached has too many connections", "start it with a larger -c"},
	{"crawler disabled", cloakroom.ErrConfig, "Memcached does not list what it keeps", "start it without -o no_lru_crawler"},
	{"metadump not allowed", cloakroom.ErrConfig, "Memcached does not list what it keeps", "start it without -X (--disable-dumping)"},
}

// isSilence reports that the time for an answer ran out.
func isSilence(ctx context.Context, err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(ctx.Err(), context.Canceled)
}

// failure says what became of a command. It returns nil for a nil err.
func (s *server) failure(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err() // nobody waits for the answer any more
	case ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded):
		return &cloakroom.Error{
			Kind: cloakroom.ErrUnavailable, Err: cmp.Or(ctx.Err(), err),
			Reason: "Memcached did not answer in time", Mend: "see what keeps " + s.String() + " busy",
		}
	}
	if answer := answerIn(err); answer != "" {
		for _, d := range diagnoses {
			if strings.Contains(answer, d.says) {
				return &cloakroom.Error{Kind: d.kind, Reason: d.reason, Mend: d.mend, Err: err}
			}
		}
		return &cloakroom.Error{
			Kind: cloakroom.ErrUnavailable, Err: err,
			Reason: "Memcached refuses", Mend: "see what is wrong with " + s.String(),
		}
	}
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return &cloakroom.Error{
			Kind: cloakroom.ErrConfig, Err: err,
			Reason: "Memcached's certificate is not trusted", Mend: "name the authority of " + s.String() + " in WithTLS",
		}
	}
	return &cloakroom.Error{
		Kind: cloakroom.ErrUnavailable, Err: err,
		Reason: "Memcached cannot be reached", Mend: "see that it runs at " + s.String(),
	}
}

// merged is one error for those of several servers.
func merged(errs ...error) error {
	first, ok := errors.AsType[*cloakroom.Error](errors.Join(errs...))
	if !ok {
		return errors.Join(errs...)
	}
	one := *first
	one.Err = errors.Join(errs...)
	return &one
}

// checkKey refuses what Django and its clients refuse as well: anything else
// could be taken for another command.
func checkKey(key string) error {
	const longest = 250
	if len(key) <= longest && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil
	}
	return &cloakroom.Error{
		Kind: cloakroom.ErrConfig, Reason: "Memcached takes no such key",
		Mend: "choose a KEY_PREFIX of at most 180 bytes without spaces and control characters",
	}
}

// named gives an error of opening what the engine gives all others.
func named(err error) error {
	if e, ok := errors.AsType[*cloakroom.Error](err); ok {
		e.Engine, e.Op = "cache", "open"
	}
	return err
}
