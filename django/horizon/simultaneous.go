package horizon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/internal/circuit"
)

// Disconnect is Horizon's SIMULTANEOUS_SESSIONS = 'disconnect': a user who signs
// in ends the session that the user had elsewhere. It shares what Horizon's
// SimultaneousSessionsMiddleware keeps in the default cache, so that a user has
// one session in all, here and there.
//
// Horizon looks when a page is asked for, and so does this: the former session
// ends with the first page after the new one's sign-in. With signed cookies there
// is nothing that could be ended.
type Disconnect struct {
	Sessions *cloakroom.Manager

	// Cache is the site's default cache. [KeyPrefix] and Version are as in its
	// entry of Django's CACHES.
	Cache     Texts
	KeyPrefix string
	Version   int // 1 if 0

	// Timeout is Horizon's SESSION_TIMEOUT, an hour if 0.
	Timeout time.Duration

	// Logger is told when the cache goes away, when it is back, and when a session
	// could not be ended. The default is slog.Default.
	Logger *slog.Logger
}

// Texts is a cache that keeps what Django's cache.set keeps of a str: those of
// cache/redis and cache/memcached.
type Texts interface {
	// Text returns the text under a key, or ErrNotFound.
	Text(ctx context.Context, key string) (string, error)
	// SetText keeps a text under a key, whatever was there.
	SetText(ctx context.Context, key, text string, expires time.Time) error
}

// patience bounds what a request waits for the cache.
const patience = time.Second

// Handler returns next for users with one session each. It wraps it in the
// Handler of Sessions, too. While the cache cannot be asked everybody is let in,
// and nobody waits for it: that somebody has two sessions is the smaller harm.
func (d Disconnect) Handler(next http.Handler) http.Handler {
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	d.Cache = withBreaker{d.Cache, circuit.New(), d.Logger}
	return d.Sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s, err := d.Sessions.Open(r); err == nil {
			if err := d.claim(r.Context(), s); ignoring(errAway, err) != nil && r.Context().Err() == nil {
				d.Logger.WarnContext(r.Context(), "a user's other sessions could not be ended", "error", err)
			}
		}
		next.ServeHTTP(w, r)
	}))
}

// claim makes s the one session of its user.
func (d Disconnect) claim(ctx context.Context, s *cloakroom.Session) error {
	user, ok := auth.UserID(s)
	key := s.Key()
	if !ok || !cloakroom.ValidKey(key) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	place := fmt.Sprintf("%s:%d:user_pk_%s_restrict", d.KeyPrefix, max(d.Version, 1), user)
	former, err := d.Cache.Text(ctx, place)
	switch {
	case err == nil && former == key:
		return nil // and its time runs on, as in Horizon
	case err == nil:
		// Who was disconnected a moment ago disconnects nobody.
		if _, err := d.Sessions.Load(ctx, key); err != nil {
			return ignoring(cloakroom.ErrNotFound, err)
		}
		if err := d.end(ctx, former); err != nil {
			return err
		}
	case !errors.Is(err, cloakroom.ErrNotFound) && !errors.Is(err, cloakroom.ErrCorrupt):
		return err
	}
	timeout := d.Timeout
	if timeout <= 0 {
		timeout = time.Hour
	}
	return d.Cache.SetText(ctx, place, key, time.Now().Add(timeout))
}

// end logs the session under key out.
func (d Disconnect) end(ctx context.Context, key string) error {
	s, err := d.Sessions.Load(ctx, key)
	if err != nil {
		return ignoring(cloakroom.ErrNotFound, err)
	}
	s.Flush()
	return d.Sessions.Save(ctx, s)
}

func ignoring(target, err error) error {
	if errors.Is(err, target) {
		return nil
	}
	return err
}
