package db

import (
	"context"
	"errors"
	"time"

	"github.com/cloakroom-go/cloakroom/django/signing"
)

// Clock is what the database server's clock shows. Sessions expire by the clocks
// of those who ask; a server that is off tells that one of them is.
func (e *Engine) Clock(ctx context.Context) (time.Time, error) {
	var text string
	if err := e.read.queryRow(ctx, e.statements.clock, nil, &text); err != nil {
		return time.Time{}, e.failure("clock", err)
	}
	at, err := e.parseTime(text, time.UTC)
	return at.UTC(), err
}

// Sample is what some stored sessions are.
type Sample struct {
	Verified   int // signed with one of our secret keys
	Foreign    int // signed with another secret key, or changed
	Unreadable int // in no form that a session has
}

// Sample looks at up to n live sessions, those that expire last, most of which
// somebody saved just now.
func (e *Engine) Sample(ctx context.Context, n int) (Sample, error) {
	var s Sample
	if !e.codec.Ready() {
		return s, errNoSecretKey("sample")
	}
	rows, err := e.read.query(ctx, e.statements.sample, e.now(), n)
	if err != nil {
		return s, e.failure("sample", err)
	}
	defer rows.Close()
	for rows.Next() {
		var raw string
		if err := rows.Scan(&raw); err != nil {
			return s, e.failure("sample", err)
		}
		switch _, err := e.codec.Decode(raw, 0); {
		case err == nil:
			s.Verified++
		case errors.Is(err, signing.ErrSignature):
			s.Foreign++
		default:
			s.Unreadable++
		}
	}
	return s, e.failure("sample", rows.Err())
}
