package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // for database/sql

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/dashboard"
	"github.com/cloakroom-go/cloakroom/dashboard/accounts"
	"github.com/cloakroom-go/cloakroom/dashboard/history"
	"github.com/cloakroom-go/cloakroom/django/secretkey"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/observe"
)

// How long somebody stays signed in: NIST SP 800-63B's bounds for its second
// assurance level, since administrators can end anybody's session here.
const (
	idleTimeout     = time.Hour
	absoluteTimeout = 24 * time.Hour
)

// databaseFile is what serve keeps in its data folder, beside a secret key.
const databaseFile = "cloakroom.sqlite3"

// besideCookie is the Dashboard's cookie where a site may have "sessionid" on the
// same host.
const besideCookie = "cloakroom_sessionid"

// embedded is what the Dashboard itself stands on: one SQLite file and a secret
// key, in one folder. With no settings the sessions that it shows are there too.
type embedded struct {
	folder    string
	engine    *db.Engine
	secretKey string
	databases []*sql.DB // for what is not sessions
	accounts  *accounts.Store
}

func openEmbedded(ctx context.Context, folder string) (*embedded, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: %w; choose another with --data", err)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("the data folder: %w", err)
	}
	key, err := secretkey.FromFile(filepath.Join(folder, "secret_key"))
	if err != nil {
		return nil, fmt.Errorf("the data folder: %w", err)
	}
	engine, err := db.Open(ctx, "sqlite:///"+escaped(filepath.Join(folder, databaseFile)))
	if err != nil {
		return nil, err
	}
	store := &embedded{folder: folder, engine: engine, secretKey: key}
	if err := store.open(ctx); err != nil {
		return nil, errors.Join(err, store.close())
	}
	return store, nil
}

func (e *embedded) open(ctx context.Context) error {
	if err := e.engine.Migrate(ctx); err != nil {
		return err
	}
	database, err := e.database(databaseFile)
	if err != nil {
		return err
	}
	e.accounts, err = accounts.Open(ctx, database)
	return err
}

// database opens a file in the folder for what is not sessions.
func (e *embedded) database(name string) (*sql.DB, error) {
	file := escaped(filepath.Join(e.folder, name))
	database, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(2000)&_pragma=synchronous(FULL)")
	if err == nil {
		e.databases = append(e.databases, database)
	}
	return database, err
}

func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// history returns the history of an engine, which each has for itself.
func (e *embedded) history(ctx context.Context, of cloakroom.Engine) (*history.Store, error) {
	name := databaseFile
	if of != e.engine {
		sum := sha256.Sum256([]byte(place(describe(of))))
		name = "history-" + hex.EncodeToString(sum[:4]) + ".sqlite3"
	}
	database, err := e.database(name)
	if err != nil {
		return nil, err
	}
	return history.Open(ctx, database)
}

func (e *embedded) close() error {
	errs := []error{e.engine.Close()}
	for _, database := range e.databases {
		errs = append(errs, database.Close())
	}
	return errors.Join(errs...)
}

// dashboard shows the sessions of an engine. Its own stay in the folder, so that
// the outage of a site's back end locks nobody out of the page that shows it.
func (e *embedded) dashboard(shown cloakroom.Engine, observed *observe.Engine, samples *history.Store, proxies []netip.Prefix, log *slog.Logger) (http.Handler, error) {
	config := dashboard.Config{
		Accounts: e.accounts, SecretKey: e.secretKey, History: samples,
		TrustedProxies: proxies, Logger: log,
	}
	var cookie cloakroom.Cookie
	own, options := cloakroom.Engine(observed), []cloakroom.Option{cloakroom.WithEvents("", observed.Event)}
	if shown != e.engine {
		config.Site, cookie.Name = observed, besideCookie
		own, options = e.engine, nil // what happens here is none of the site's
	}
	if len(proxies) > 0 {
		cookie.Secure = cloakroom.SecureAlways // the proxy may not say that it speaks HTTPS
	}
	config.Sessions = cloakroom.New(own, append(
		options,
		cloakroom.WithSecretKey(e.secretKey),
		cloakroom.WithCookie(cookie),
		cloakroom.WithIdleTimeout(idleTimeout),
		cloakroom.WithAbsoluteTimeout(absoluteTimeout),
		cloakroom.WithLogger(log),
		cloakroom.WithErrorHandler(dashboard.ErrorHandler("")),
	)...)
	return dashboard.New(config)
}
