package redis

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// links are the connections to a Redis that is known by its address alone. After
// a failover the address leads to the new primary, and those to the old one stay:
// it answers as a replica. Sentinels and Clusters tell who is who by themselves.
type links struct {
	mu   sync.Mutex
	open map[*link]struct{}
	left time.Time // when all were closed last
}

type link struct {
	net.Conn
	among *links
}

// leaveEvery spares those who only load from what stays a replica.
const leaveEvery = time.Second

type dialFunc = func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error)

// dialer is dial, with all that it opens among l.
func (l *links) dialer(dial dialFunc) dialFunc {
	if dial == nil {
		dial = dialTCP
	}
	return func(ctx context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
		conn, err := dial(ctx, address, dialer, config)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		one := &link{conn, l}
		l.open[one] = struct{}{}
		return one, nil
	}
}

func dialTCP(ctx context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
	if config == nil {
		return dialer.DialContext(ctx, "tcp", address)
	}
	return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", address)
}

func (one *link) Close() error {
	one.among.mu.Lock()
	delete(one.among.open, one)
	one.among.mu.Unlock()
	return one.Conn.Close()
}

// leave closes all, so that they are made anew. What is under way on them is asked
// again, as after any connection that broke.
func (l *links) leave() {
	l.mu.Lock()
	if time.Since(l.left) < leaveEvery {
		l.mu.Unlock()
		return
	}
	l.left = time.Now()
	open := slices.Collect(maps.Keys(l.open))
	l.mu.Unlock()
	for _, one := range open {
		_ = one.Close() // whoever uses it finds out
	}
}
