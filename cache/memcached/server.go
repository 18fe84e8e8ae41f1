package memcached

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// maxConns is how many connections one server gets from one Cache at a time.
// Memcached takes 1,024 from all its clients unless it is told otherwise.
const maxConns = 64

// server is one Memcached with the connections to it.
type server struct {
	address
	dial    dialFunc
	turns   chan struct{} // one for each connection in use
	classic atomic.Bool   // it is older than 1.6, or a proxy that knows no mg

	mu     sync.Mutex
	idle   []*conn // the one used last is the last
	closed bool
}

// silence is how long an answer is awaited before the other connections are
// suspected as well.
const silence = 100 * time.Millisecond

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func newServer(a address, dial dialFunc) *server {
	return &server{address: a, dial: dial, turns: make(chan struct{}, maxConns)}
}

func dialer(config *tls.Config) dialFunc {
	plain := &net.Dialer{Timeout: patience}
	if config == nil {
		return plain.DialContext
	}
	return (&tls.Dialer{NetDialer: plain, Config: config}).DialContext
}

// do runs commands on a connection. It runs them again when the connection turns
// out to have ended long ago.
func (s *server) do(ctx context.Context, talk func(*conn) error) error {
	if ctx.Err() != nil {
		return s.failure(ctx, ctx.Err())
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return s.failure(ctx, ctx.Err())
	}
	for {
		c, err := s.conn(ctx)
		if err != nil {
			return s.failure(ctx, err)
		}
		began := time.Now()
		reusable, err := c.exchange(ctx, talk)
		if reusable {
			s.keep(c)
			return nil
		}
		_ = c.Close() // nothing more is expected of it
		if waited := time.Since(began); waited > silence && isSilence(ctx, err) {
			s.dropIdle(time.Now().Add(-waited / 2))
		}
		if err != nil && c.hadEnded(err) {
			continue // with another, and in the end with a new one
		}
		return s.failure(ctx, err)
	}
}

func (s *server) conn(ctx context.Context) (*conn, error) {
	s.mu.Lock()
	if last := len(s.idle) - 1; last >= 0 {
		c := s.idle[last]
		s.idle = s.idle[:last]
		s.mu.Unlock()
		return c, nil
	}
	s.mu.Unlock()
	c, err := s.dial(ctx, s.network, s.String())
	if err != nil {
		return nil, err
	}
	return newConn(c), nil
}

// dropIdle closes the idle connections on which nothing was heard since. When
// one is silent, a firewall or a failover may have cut all of them off, and each
// would keep somebody waiting before it was found out.
func (s *server) dropIdle(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = slices.DeleteFunc(s.idle, func(c *conn) bool {
		if c.heard.After(since) {
			return false
		}
		_ = c.Close() // nothing is under way on it
		return true
	})
}

func (s *server) keep(c *conn) {
	c.used, c.heard = true, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close() // nothing is under way on it
		return
	}
	s.idle = append(s.idle, c)
}

func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, c := range s.idle {
		_ = c.Close() // nothing is under way on it
	}
	s.idle = nil
}

// get returns what is under key, or ErrNotFound.
func (s *server) get(ctx context.Context, key string) (it item, err error) {
	found := false
	if !s.classic.Load() {
		err = s.do(ctx, func(c *conn) (err error) {
			it, found, err = c.get(key)
			return err
		})
		if answerIn(err) != "ERROR" {
			return it, orNotFound(found, err)
		}
		s.classic.Store(true)
	}
	err = s.do(ctx, func(c *conn) error {
		return c.gets([]string{key}, func(_ string, one item) { it, found = one, true })
	})
	return it, orNotFound(found, err)
}

func orNotFound(found bool, err error) error {
	if err == nil && !found {
		return cloakroom.ErrNotFound
	}
	return err
}

// casOf returns the version that Memcached gave what was read or written.
func (s *server) casOf(ctx context.Context, key string, was version) (uint64, error) {
	if was.cas != 0 {
		return was.cas, nil
	}
	it, err := s.get(ctx, key)
	switch {
	case errors.Is(err, cloakroom.ErrNotFound):
		return 0, cloakroom.ErrGone
	case err != nil:
		return 0, err
	case it.cas == 0:
		return 0, errNoCAS
	case !it.holds(was):
		return 0, cloakroom.ErrConflict
	}
	return it.cas, nil
}

// change makes a change that add and cas can make.
func (s *server) change(ctx context.Context, ch change, expires time.Time) (o outcome, err error) {
	ch.exptime = exptime(expires, time.Now())
	attempts := 0
	err = s.do(ctx, func(c *conn) (err error) {
		attempts++
		o, err = c.store(ch)
		return err
	})
	if err == nil && o == taken && attempts > 1 {
		return s.inTheWay(ctx, ch)
	}
	return o, err
}

// inTheWay finds out whether what a change met is the change itself, which may have
// been made on a connection that broke before it told. When somebody has changed
// that again, nobody knows.
func (s *server) inTheWay(ctx context.Context, ch change) (outcome, error) {
	it, err := s.get(ctx, ch.key)
	switch {
	case errors.Is(err, cloakroom.ErrNotFound):
		return missing, nil
	case err != nil:
		return 0, err
	case bytes.Equal(it.value, ch.value):
		return done, nil
	}
	return 0, errUntold
}

// ask sends a command whose answer is its outcome.
func (s *server) ask(ctx context.Context, words ...string) (o outcome, err error) {
	err = s.do(ctx, func(c *conn) (err error) {
		if err = c.send(words...); err == nil {
			o, err = c.outcome()
		}
		return err
	})
	return o, err
}

func (s *server) delete(ctx context.Context, key string) error {
	_, err := s.ask(ctx, "delete", key)
	return err
}

func (s *server) touch(ctx context.Context, key string, expires time.Time) error {
	o, err := s.ask(ctx, "touch", key, strconv.FormatInt(exptime(expires, time.Now()), 10))
	if err == nil && o == missing {
		return cloakroom.ErrGone
	}
	return err
}

func (s *server) ping(ctx context.Context) error {
	return s.do(ctx, func(c *conn) error {
		if err := c.send("version"); err != nil {
			return err
		}
		line, err := c.line()
		if err == nil && !strings.HasPrefix(string(line), "VERSION") {
			err = refusal(line)
		}
		return err
	})
}
