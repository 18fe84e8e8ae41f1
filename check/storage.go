package check

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/site"
)

// openSite reaches for everything that the settings name.
func openSite(ctx context.Context, c *checker) {
	opened, err := site.Open(ctx, c.settings)
	switch {
	case err == nil:
		c.site = opened
	case errors.Is(err, db.ErrNoFile):
		c.failedAs("table-unusable", err)
	case c.settings.NoSecretKey == nil || !errors.Is(err, c.settings.NoSecretKey): // that is said already
		c.failed(err)
	}
}

// failed reports an error of the storage: it is away, or takes nothing from us.
func (c *checker) failed(err error) {
	id := "storage-unreachable"
	if errors.Is(err, cloakroom.ErrConfig) {
		id = "storage-refused"
	}
	c.failedAs(id, err)
}

func (c *checker) failedAs(id string, err error) {
	c.broken = true
	text, mend := err.Error(), "see the error"
	if e, ok := errors.AsType[*cloakroom.Error](err); ok {
		mend = cmp.Or(e.Mend, mend)
		text = strings.Replace(text, e.Error(), said(e), 1)
	}
	c.say(Error, id, mend, "%s", text)
}

// said is what e says to whoever reads the mend beside it.
func said(e *cloakroom.Error) string {
	text := cmp.Or(e.Reason, e.Kind.Error())
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func checkEngine(ctx context.Context, c *checker) {
	if c.site == nil {
		return
	}
	engine := c.description()
	before, cached := c.site.Cache()
	if cached && !before.Describe().Shared {
		where := "Sessions are in the memory of each process"
		if c.site.Store() != c.site.Engine {
			where = "The cache before the database is in the memory of each process"
		}
		c.say(Warning, "local-memory", "choose cached_db, or Redis or Memcached in CACHES; a single process (one worker, many threads) may stay with it",
			"%s: with several workers visitors are logged in and out by chance, and all are logged out when it restarts", where)
	}
	if cached && c.site.Store() != c.site.Engine {
		if err := before.Ping(ctx); err != nil {
			c.say(Warning, "cache-unreachable", "start it, or mend its address in CACHES",
				"%s at %s does not answer: sessions work without this cache, and slower", before.Describe().BackEnd, before.Describe().Location)
		}
	}
	c.ok("storage", "The storage can be opened: %s, %s", engine.BackEnd, engine.Location)
}

func (c *checker) description() cloakroom.Description {
	if d, ok := cloakroom.As[cloakroom.Describer](c.site.Engine); ok {
		return d.Describe()
	}
	return cloakroom.Description{BackEnd: "the storage"}
}

// checkRoundTrip does all that a visit does, with a session of its own.
func checkRoundTrip(ctx context.Context, c *checker) {
	if c.site == nil || c.broken {
		return
	}
	began := time.Now()
	if err := roundTrip(ctx, c.site.Engine); err != nil {
		c.failedAs("round-trip-failed", err)
		return
	}
	c.ok("round-trip", "A session was created, read, saved and deleted in %s", time.Since(began).Round(10*time.Microsecond))
}

var errOther = &cloakroom.Error{
	Engine: "check", Op: "load", Kind: cloakroom.ErrConfig,
	Reason: "what was stored comes back as something else",
	Mend:   "see which other program writes or deletes there; a server that expires at once has a wrong clock",
}

func roundTrip(ctx context.Context, engine cloakroom.Engine) (err error) {
	r := &cloakroom.Record{Data: map[string]any{"cloakroom check": "a throw-away session"}, Expires: time.Now().Add(time.Minute)}
	if err := engine.Create(ctx, r); err != nil {
		return err
	}
	defer func() {
		lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if gone := engine.Delete(lasting, r.Key); err == nil {
			err = gone
		}
	}()
	for _, value := range []string{"saved once", "saved twice"} {
		loaded, err := engine.Load(ctx, r.Key)
		if errors.Is(err, cloakroom.ErrNotFound) {
			return errOther
		}
		if err != nil {
			return err
		}
		next := *loaded
		next.Data, next.Expires = map[string]any{"cloakroom check": value}, r.Expires
		if err := engine.Save(ctx, &next); err != nil {
			return err
		}
		r = &next
	}
	loaded, err := engine.Load(ctx, r.Key)
	switch {
	case errors.Is(err, cloakroom.ErrNotFound), err == nil && loaded.Data["cloakroom check"] != "saved twice":
		return errOther
	case err != nil:
		return err
	}
	if _, carries := cloakroom.As[cloakroom.Carrier](engine); carries {
		return nil // nobody can delete what is the visitor's
	}
	if err := engine.Delete(ctx, r.Key); err != nil {
		return err
	}
	if _, err := engine.Load(ctx, r.Key); !errors.Is(err, cloakroom.ErrNotFound) {
		return errors.Join(err, errOther)
	}
	return nil
}
