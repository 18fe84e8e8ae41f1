package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

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

const (
	clearEvery = 10 * time.Minute
	clearBatch = 500
)

// embedded is all that serve stands on when there are no settings: one SQLite
// file and a secret key, in one folder.
type embedded struct {
	engine    *db.Engine
	secretKey string
	database  *sql.DB // the same file, for what is not sessions
	accounts  *accounts.Store
	history   *history.Store
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
	file := (&url.URL{Path: filepath.Join(folder, "cloakroom.sqlite3")}).EscapedPath()
	engine, err := db.Open(ctx, "sqlite:///"+file)
	if err != nil {
		return nil, err
	}
	store := &embedded{engine: engine, secretKey: key}
	if err := store.open(ctx, file); err != nil {
		return nil, errors.Join(err, store.close())
	}
	return store, nil
}

func (e *embedded) open(ctx context.Context, file string) (err error) {
	if err := e.engine.Migrate(ctx); err != nil {
		return err
	}
	if e.database, err = sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(2000)&_pragma=synchronous(FULL)"); err != nil {
		return err
	}
	if e.accounts, err = accounts.Open(ctx, e.database); err != nil {
		return err
	}
	e.history, err = history.Open(ctx, e.database)
	return err
}

func (e *embedded) close() error {
	if e.database == nil {
		return e.engine.Close()
	}
	return errors.Join(e.database.Close(), e.engine.Close())
}

func (e *embedded) dashboard(engine *observe.Engine, proxies []netip.Prefix, log *slog.Logger) (http.Handler, error) {
	var cookie cloakroom.Cookie
	if len(proxies) > 0 {
		cookie.Secure = cloakroom.SecureAlways // the proxy may not say that it speaks HTTPS
	}
	sessions := cloakroom.New(
		engine,
		cloakroom.WithEvents("", engine.Event),
		cloakroom.WithSecretKey(e.secretKey),
		cloakroom.WithCookie(cookie),
		cloakroom.WithIdleTimeout(idleTimeout),
		cloakroom.WithAbsoluteTimeout(absoluteTimeout),
		cloakroom.WithLogger(log),
		cloakroom.WithErrorHandler(dashboard.ErrorHandler("")),
	)
	return dashboard.New(dashboard.Config{
		Sessions: sessions, Accounts: e.accounts, SecretKey: e.secretKey, History: e.history,
		TrustedProxies: proxies, Logger: log,
	})
}

// greet says where the Dashboard is, what it stands on, and how to get in.
func (e *embedded) greet(ctx context.Context, out io.Writer, address netip.AddrPort) error {
	name, password, created, err := e.accounts.Bootstrap(ctx)
	if err != nil {
		return err
	}
	d := e.engine.Describe()
	host := address
	if address.Addr().IsUnspecified() {
		host = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), address.Port())
	}
	fmt.Fprintf(out, "Dashboard  http://%s/\n", host)
	if !address.Addr().IsLoopback() {
		fmt.Fprintln(out, "From afar  through a proxy that speaks HTTPS, named with --trusted-proxy: browsers send the session over nothing less")
	}
	fmt.Fprintf(out, "Sessions   %s on %s, %s: shared between processes and kept across restarts\n", d.Engine, d.BackEnd, d.Location)
	if created {
		fmt.Fprintf(out, "Sign in    as %s with the one-time password %s\n", name, password)
	}
	return nil
}

// clearExpired keeps the table from growing, in transactions so short that
// nobody waits for them.
func (e *embedded) clearExpired(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(clearEvery)
	defer tick.Stop()
	for {
		n, err := e.engine.ClearExpired(ctx, clearBatch)
		if err != nil && ctx.Err() == nil {
			log.Warn("expired sessions could not be cleared", "error", err)
		}
		if n == clearBatch {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
