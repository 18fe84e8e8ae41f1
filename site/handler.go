package site

import (
	"context"
	"net/http"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/horizon"
)

// Handler returns next with the sessions of a Manager in its requests. Where the
// settings have Horizon's SIMULTANEOUS_SESSIONS = 'disconnect' each user has one
// session, here and in Horizon together; see [horizon.Disconnect]. Horizon keeps
// which one in the default cache. It is opened with the first request that needs
// it, and may be away.
//
// The error is [cloakroom.ErrConfig]: that cache cannot be shared, or not be known.
func (s *Site) Handler(sessions *cloakroom.Manager, next http.Handler) (http.Handler, error) {
	if s.Settings.SimultaneousSessions != "disconnect" {
		return sessions.Handler(next), nil
	}
	p, err := cacheOf(s.Settings, horizonCache)
	if err != nil {
		return nil, err
	}
	if s.Settings.Caches[horizonCache].Backend == localMemory {
		return nil, p.wrong("SIMULTANEOUS_SESSIONS = 'disconnect' keeps there who is signed in, and nobody else sees the memory of a process",
			"choose Redis or Memcached as BACKEND")
	}
	kept := textsOf{newLateCache(p)}
	s.owns(kept)
	return horizon.Disconnect{
		Sessions: sessions, Cache: kept, KeyPrefix: p.prefix, Version: p.version, Timeout: s.Settings.SessionTimeout,
	}.Handler(next), nil
}

// horizonCache is the alias that Horizon uses, whatever SESSION_CACHE_ALIAS is.
const horizonCache = "default"

// textsOf are the texts in a cache that may be away.
type textsOf struct{ *lateCache }

func (c textsOf) Text(ctx context.Context, key string) (string, error) {
	behind, err := c.cache(ctx)
	if err != nil {
		return "", err
	}
	return behind.(horizon.Texts).Text(ctx, key)
}

func (c textsOf) SetText(ctx context.Context, key, text string, expires time.Time) error {
	behind, err := c.cache(ctx)
	if err != nil {
		return err
	}
	return behind.(horizon.Texts).SetText(ctx, key, text, expires)
}
