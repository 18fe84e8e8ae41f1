// Package site opens the session storage that a site's settings name: the one
// place that knows which engine, cache or database stands behind which word of
// Django's.
package site

import (
	"context"
	"errors"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings"
)

// Site is the session storage of a Django or Horizon site. Close it when it is
// not needed any more.
type Site struct {
	Settings *settings.Settings
	Engine   cloakroom.Engine // ready: it has its secret keys

	closers []func() error
}

// Open opens what s names.
func Open(ctx context.Context, s *settings.Settings) (*Site, error) {
	return nil, errors.ErrUnsupported
}

// Manager returns a Manager on the site's engine that behaves as its settings
// say: the cookie, how long sessions live.
func (s *Site) Manager(options ...cloakroom.Option) *cloakroom.Manager {
	return cloakroom.New(s.Engine, options...)
}

// Close closes the engine and all that it stands on.
func (s *Site) Close() error {
	var errs []error
	for _, closeIt := range s.closers {
		errs = append(errs, closeIt())
	}
	return errors.Join(errs...)
}
