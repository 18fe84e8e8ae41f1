package horizon

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/internal/circuit"
)

// withBreaker is a cache that is left alone while it does not answer.
type withBreaker struct {
	Texts
	breaker *circuit.Breaker
	log     *slog.Logger
}

// errAway says that the cache does not answer, and that the log has that already.
var errAway = errors.New("the cache is away")

func (c withBreaker) Text(ctx context.Context, key string) (text string, err error) {
	err = c.ask(func() error {
		text, err = c.Texts.Text(ctx, key)
		return err
	})
	return text, err
}

func (c withBreaker) SetText(ctx context.Context, key, text string, expires time.Time) error {
	return c.ask(func() error { return c.Texts.SetText(ctx, key, text, expires) })
}

func (c withBreaker) ask(do func() error) error {
	if c.breaker.Pass() > 0 {
		return errAway
	}
	err := do()
	switch {
	case err == nil, errors.Is(err, cloakroom.ErrNotFound), errors.Is(err, cloakroom.ErrCorrupt):
		if c.breaker.Answered() {
			c.log.Info("the cache that keeps each user's one session is back")
		}
		return err
	case errors.Is(err, context.Canceled):
		return err // the visitor did not wait
	case c.breaker.Failed():
		c.log.Warn("the cache that keeps each user's one session is away; users may have several until it is back", "error", err)
		return errAway
	case !c.breaker.IsClosed():
		return errAway
	}
	return err
}
