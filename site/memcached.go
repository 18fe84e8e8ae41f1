package site

import (
	"context"
	"strings"

	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// What the clients do for themselves, whatever the server has.
var (
	pythonMemcachedOwn = []string{
		"debug", "pickleProtocol", "compressor", "decompressor", "server_max_key_length", "server_max_value_length",
		"dead_retry", "socket_timeout", "cache_cas", "flush_on_reconnect", "check_keys",
	}
	pymemcacheOwn = []string{
		"connect_timeout", "timeout", "no_delay", "socket_keepalive", "max_pool_size", "pool_idle_timeout",
		"retry_attempts", "retry_timeout", "dead_timeout", "use_pooling", "ignore_exc", "allow_unicode_keys",
		"default_noreply", "encoding",
	}
	pylibmcOwn = []string{
		"auto_eject", "buffer_requests", "cas", "connect_timeout", "dead_timeout", "failure_limit", "no_block",
		"pickle_protocol", "poll_timeout", "receive_timeout", "remove_failed", "retry_timeout",
		"_retry_timeout", "send_timeout", "tcp_keepalive", "tcp_nodelay", "verify_keys",
	}
)

func pythonMemcachedOf(c *cacheSetting) (opener, error) {
	c.options.skip(pythonMemcachedOwn...)
	return c.memcached(memcached.PythonMemcached)
}

func pymemcacheOf(c *cacheSetting) (opener, error) {
	c.options.skip(pymemcacheOwn...)
	c.options.skipEmpty("key_prefix")
	return c.memcached(memcached.PyMemcache)
}

func pylibmcOf(c *cacheSetting) (opener, error) {
	c.options.skip("binary") // another way to say the same
	c.options.skipEmpty("username", "password")
	behaviors := c.options.group("behaviors")
	behaviors.skip(pylibmcOwn...)
	behaviors.skipEmpty("num_replicas")
	placement := memcached.PyLibMC
	if behaviors.flag("ketama") {
		placement = memcached.PyLibMCKetama
	}
	if behaviors.flag("ketama_weighted") {
		placement = memcached.PyLibMCKetamaWeighted
	}
	if len(c.locations(",;")) == 1 {
		behaviors.skip("distribution", "hash", "ketama_hash") // they choose among servers
	}
	if problem := behaviors.check(); problem != "" {
		return nil, c.wrong(problem, "take it out: ketama and ketama_weighted are known")
	}
	return c.memcached(placement)
}

func (c *cacheSetting) memcached(placement memcached.Placement) (opener, error) {
	servers := c.locations(",;")
	if len(servers) == 0 {
		return nil, c.wrong("LOCATION names no server", "write 'LOCATION': 'host:11211'")
	}
	address := "memcached://" + strings.Join(servers, ",")
	if err := memcached.CheckAddress(address); err != nil {
		return nil, c.failure(err)
	}
	c.at(strings.Join(servers, ", "))
	return func(context.Context) (cache.Cache, error) {
		return memcached.New(address, memcached.WithPlacement(placement))
	}, nil
}
