package file

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// Option changes how [Open] sets an engine up.
type Option func(*options)

type options struct {
	cookie   string
	lifetime time.Duration
	codec    []session.Option
}

// WithCookieName is Django's SESSION_COOKIE_NAME, with which every file's name
// begins. The default is "sessionid".
func WithCookieName(name string) Option { return func(o *options) { o.cookie = name } }

// WithLifetime is Django's SESSION_COOKIE_AGE, which Django adds to the time
// that a file was written at. The default is two weeks. All who use the folder
// have to agree on it.
func WithLifetime(d time.Duration) Option { return func(o *options) { o.lifetime = d } }

// WithSerializer is Django's SESSION_SERIALIZER; see [session.WithSerializer].
func WithSerializer(s session.Serializer) Option {
	return func(o *options) { o.codec = append(o.codec, session.WithSerializer(s)) }
}

// WithLegacyFormat writes the format of Django before 3.1; see
// [session.WithLegacyFormat].
func WithLegacyFormat() Option {
	return func(o *options) { o.codec = append(o.codec, session.WithLegacyFormat()) }
}

// Open opens the folder at an address such as
//
//	file:///var/lib/sessions
//	file:
//
// where the latter is the system's folder for temporary files, as in a Django
// without SESSION_FILE_PATH. The folder has to be there, this user has to be
// able to write it, and it needs a local disk: a network file system keeps
// neither the locks nor the order of what is written.
func Open(ctx context.Context, address string, opts ...Option) (*Engine, error) {
	path, err := pathOf(address)
	if err != nil {
		return nil, err
	}
	o := options{cookie: "sessionid", lifetime: 14 * 24 * time.Hour}
	for _, opt := range opts {
		opt(&o)
	}
	switch {
	case o.cookie == "" || strings.ContainsAny(o.cookie, "/\\\x00"):
		return nil, &cloakroom.Error{
			Engine: name, Op: "open", Kind: cloakroom.ErrConfig,
			Reason: "no file's name can begin with the cookie's", Mend: "choose another cookie name",
		}
	case o.lifetime <= 0:
		return nil, &cloakroom.Error{
			Engine: name, Op: "open", Kind: cloakroom.ErrConfig, Reason: "the lifetime of sessions is not above 0",
		}
	}
	e := &Engine{
		folder: &folder{path: path, prefix: o.cookie, lifetime: o.lifetime, slots: make(chan struct{}, maxTogether)},
		codec:  session.New(signing.SessionSalt, o.codec...),
	}
	if err := e.probe(ctx); err != nil {
		return nil, e.failure("open", err)
	}
	return e, nil
}

// CheckAddress is nil where [Open] makes sense of an address, and its error
// otherwise. It looks for no folder.
func CheckAddress(address string) error {
	_, err := pathOf(address)
	return err
}

func pathOf(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Scheme != "file", u.Host != "", u.Opaque != "", u.RawQuery != "", u.Fragment != "", strings.Contains(u.Path, "\x00"):
		return "", &cloakroom.Error{
			Engine: name, Op: "open", Kind: cloakroom.ErrConfig,
			Reason: "the address names no folder", Mend: "write file:///absolute/path",
		}
	case u.Path == "":
		return os.TempDir(), nil
	}
	return filepath.Clean(filepath.FromSlash(u.Path)), nil
}
