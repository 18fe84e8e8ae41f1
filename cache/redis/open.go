package redis

import (
	"context"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom-go/cloakroom"
)

const (
	// dialTimeout bounds how long requests wait for a connection that another
	// request began.
	dialTimeout = 2 * time.Second

	// silence is how long a connection goes without an answer, to a PING that is
	// sent after pingAfter without any, before it is replaced: a firewall or a
	// failover may have cut it off.
	silence   = 1500 * time.Millisecond
	pingAfter = 500 * time.Millisecond

	// topologyInterval is how often Sentinels and Clusters are asked who is who,
	// beside what they tell by themselves.
	topologyInterval = 5 * time.Second

	// maxRedirections bounds how often nodes of a Cluster send us on to others.
	maxRedirections = 5
)

func open(ctx context.Context, address string, o options) (*Cache, error) {
	t, err := targetOf(address)
	if err != nil {
		return nil, err
	}
	if o.tls != nil {
		t.TLSConfig, t.Sentinel.TLSConfig = o.tls, o.tls
	}
	if n := o.wire.protocol; n != nil && (*n < 0 || *n > 5) {
		return nil, named(&cloakroom.Error{Kind: cloakroom.ErrConfig, Reason: "there is no such pickle protocol", Mend: "choose 0 to 5"})
	}
	t.DisableCache = true
	t.PipelineMultiplex = multiplex
	t.RetryDelay = repeatAtOnce
	t.Dialer.Timeout, t.Sentinel.Dialer.Timeout = dialTimeout, dialTimeout
	t.ConnWriteTimeout, t.Dialer.KeepAlive = silence, pingAfter // whatever their names
	t.Sentinel.TopologyRefreshInterval = topologyInterval
	t.ClusterOption.ShardsRefreshInterval = topologyInterval
	t.ClusterOption.MaxMovedRedirections = maxRedirections

	c := &Cache{wire: o.wire, description: cloakroom.Description{
		BackEnd: t.name, Location: t.location, Shared: true,
	}}
	if t.name == single {
		c.links.open = map[*link]struct{}{}
		t.DialCtxFn = c.links.dialer(t.DialCtxFn)
	}
	if c.client, err = dial(ctx, t.ClientOption); err != nil {
		return nil, named(c.failure(ctx, err))
	}
	// A Redis that is still loading takes connections, and little else.
	if err := c.Ping(ctx); err != nil {
		c.client.Close()
		return nil, named(err)
	}
	c.description.Persistent = c.persists(ctx)
	return c, nil
}

// dial connects, no longer than ctx allows. rueidis does not know of a context
// there, so what comes too late is closed once it is there.
func dial(ctx context.Context, option rueidis.ClientOption) (rueidis.Client, error) {
	type dialed struct {
		client rueidis.Client
		err    error
	}
	done := make(chan dialed, 1)
	go func() {
		client, err := rueidis.NewClient(option)
		if client != nil && err != nil {
			client.Close()
		}
		done <- dialed{client, err}
	}()
	select {
	case d := <-done:
		return d.client, d.err
	case <-ctx.Done():
		go func() {
			if d := <-done; d.err == nil {
				d.client.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// persists asks whether anything is kept on disk. Hosted ones often do not say.
func (c *Cache) persists(ctx context.Context) bool {
	answers := c.client.DoMulti(ctx,
		c.client.B().ConfigGet().Parameter("appendonly").Build(),
		c.client.B().ConfigGet().Parameter("save").Build(),
		c.client.B().Info().Section("persistence").Build())
	log, _ := answers[0].AsStrMap()
	snapshots, _ := answers[1].AsStrMap()
	info, _ := answers[2].ToString()
	return log["appendonly"] == "yes" || snapshots["save"] != "" || strings.Contains(info, "aof_enabled:1")
}

// named gives an error of opening what the engine gives all others.
func named(err error) error {
	if e, ok := err.(*cloakroom.Error); ok {
		e.Engine, e.Op = "cache", "open"
	}
	return err
}
