// Package ours opens the sites that are measured.
package ours

import (
	"context"
	"errors"

	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/internal/djangotest"
	"github.com/cloakroom-go/cloakroom/site"
)

// Open opens a new site on the engine that a URL names, with the cache that
// another names before it. Where that takes a table it is made.
func Open(ctx context.Context, engine, cache string) (*site.Site, error) {
	s := settings.FromURLs(engine, cache)
	s.SecretKey = djangotest.SecretKey
	hasTable, err := site.HasDatabase(s)
	if err != nil {
		return nil, err
	}
	if hasTable {
		database, err := site.OpenDatabase(ctx, s)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(database.Migrate(ctx), database.Close()); err != nil {
			return nil, err
		}
	}
	return site.Open(ctx, s)
}
