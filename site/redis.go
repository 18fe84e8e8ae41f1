package site

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// redisOwn is what Python's client does for itself, whatever the server has. It
// verifies no host name unless ssl_check_hostname says so; here it always is.
var redisOwn = []string{
	"max_connections", "timeout", "retry_on_timeout", "retry_on_error", "health_check_interval", "client_name",
	"lib_name", "lib_version", "socket_timeout", "socket_connect_timeout", "socket_keepalive",
	"socket_keepalive_options", "socket_type", "socket_read_size", "encoding", "encoding_errors", "charset", "errors",
	"decode_responses", "parser_class", "pool_class", "protocol", "single_connection_client", "ssl_check_hostname",
	"is_master", // the primary is asked here, always
}

// redisPackageOwn is the same of django-redis and the redis_cache it was before.
var redisPackageOwn = []string{
	"PARSER_CLASS", "SOCKET_TIMEOUT", "SOCKET_CONNECT_TIMEOUT", "MAX_CONNECTIONS", "IGNORE_EXCEPTIONS",
	"LOG_IGNORED_EXCEPTIONS", "REPLICA_READ_ONLY", "CLOSE_CONNECTION", "REDIS_CLIENT_KWARGS", "CONNECTION_FACTORY",
}

var (
	redisClients = []string{
		"", "django_redis.client.DefaultClient", "django_redis.client.default.DefaultClient",
		"redis_cache.client.DefaultClient", "redis_cache.client.default.DefaultClient",
	}
	redisSentinelClients = []string{"django_redis.client.SentinelClient", "django_redis.client.sentinel.SentinelClient"}
	redisPools           = []string{
		"", "redis.ConnectionPool", "redis.connection.ConnectionPool",
		"redis.BlockingConnectionPool", "redis.connection.BlockingConnectionPool",
		"redis.sentinel.SentinelConnectionPool", "rediscluster.connection.ClusterConnectionPool",
	}
	redisClusterClients = []string{"redis.cluster.RedisCluster", "redis.RedisCluster", "rediscluster.RedisCluster", "rediscluster.client.RedisCluster"}
	plainRedisClients   = []string{"", "redis.Redis", "redis.client.Redis", "redis.StrictRedis", "redis.client.StrictRedis"}

	redisSerializers = map[string]redis.Serializer{
		"": redis.Pickle,
		"django_redis.serializers.pickle.PickleSerializer":   redis.Pickle,
		"django_redis.serializers.json.JSONSerializer":       redis.JSON,
		"django_redis.serializers.msgpack.MSGPackSerializer": redis.MessagePack,
	}
	redisCompressors = map[string]redis.Compressor{
		"": redis.Uncompressed,
		"django_redis.compressors.identity.IdentityCompressor": redis.Uncompressed,
		"django_redis.compressors.zlib.ZlibCompressor":         redis.Zlib,
		"django_redis.compressors.gzip.GzipCompressor":         redis.Gzip,
		"django_redis.compressors.lzma.LzmaCompressor":         redis.LZMA,
		"django_redis.compressors.lz4.Lz4Compressor":           redis.LZ4,
		"django_redis.compressors.zstd.ZStdCompressor":         redis.Zstd,
	}
)

// djangoRedisOf is for Django's own back end. Its OPTIONS are the client's.
func djangoRedisOf(c *cacheSetting) (opener, error) {
	c.options.skipEmpty("serializer")
	t, err := c.redisAt(c.locations(",;"), c.options)
	if err != nil {
		return nil, err
	}
	return t.opener(redis.WithSerializer(redis.Pickle)), nil
}

// redisPackageOf is for django-redis, and the redis_cache that it once was.
func redisPackageOf(c *cacheSetting) (opener, error) {
	o := c.options
	o.skip(redisPackageOwn...)
	client, pool := o.text("CLIENT_CLASS"), o.text("CONNECTION_POOL_CLASS")
	sentinels, isSentinel := o.take("SENTINELS").([]any)
	isSentinel = isSentinel || slices.Contains(redisSentinelClients, client)
	sentinelOwn := o.group("SENTINEL_KWARGS")
	redisClient := o.text("REDIS_CLIENT_CLASS")
	isCluster := slices.Contains(redisClusterClients, redisClient)
	switch {
	case !isSentinel && !slices.Contains(redisClients, client):
		return nil, c.unknownClass("CLIENT_CLASS", "use django_redis.client.DefaultClient or SentinelClient; others keep sessions in ways of their own")
	case !slices.Contains(redisPools, pool):
		return nil, c.unknownClass("CONNECTION_POOL_CLASS", "leave it out, or use redis.BlockingConnectionPool")
	case !isCluster && !slices.Contains(plainRedisClients, redisClient):
		return nil, c.unknownClass("REDIS_CLIENT_CLASS", "leave it out, or use redis.cluster.RedisCluster")
	}
	serializer, known := redisSerializers[o.text("SERIALIZER")]
	if !known {
		return nil, c.unknownClass("SERIALIZER", "choose one of django_redis.serializers: pickle, json, msgpack")
	}
	compressor, known := redisCompressors[o.text("COMPRESSOR")]
	if !known {
		return nil, c.unknownClass("COMPRESSOR", "choose one of django_redis.compressors: zlib, gzip, lzma, lz4, zstd")
	}
	options := []redis.Option{redis.WithSerializer(serializer), redis.WithCompressor(compressor)}
	if protocol, ok := o.number("PICKLE_VERSION"); ok {
		if protocol < 0 {
			protocol = 5 // Python's highest
		}
		options = append(options, redis.WithPickleProtocol(protocol))
	}
	own := o.group("CONNECTION_POOL_KWARGS")
	own.otherwise("password", o.take("PASSWORD"))
	own.otherwise("db", o.take("DB"))
	t, err := c.redisAt(c.locations(","), own)
	if err != nil {
		return nil, err
	}
	if problem := own.check(); problem != "" {
		return nil, c.wrong(problem, "take it out, or name the cache with --engine or --cache URL")
	}
	switch {
	case isSentinel:
		err = c.watchedBy(t, sentinels, sentinelOwn)
	case isCluster:
		t.family, t.db = "+cluster", ""
	}
	if err != nil {
		return nil, err
	}
	return t.opener(options...), nil
}

// oldRedisOf is for the package django-redis-cache.
func oldRedisOf(c *cacheSetting) (opener, error) {
	o := c.options
	o.skip("PARSER_CLASS", "SOCKET_TIMEOUT", "SOCKET_CONNECT_TIMEOUT", "CONNECTION_POOL_CLASS_KWARGS", "COMPRESSOR_CLASS_KWARGS")
	for name, known := range map[string][]string{
		"CONNECTION_POOL_CLASS": redisPools,
		"SERIALIZER_CLASS":      {"", "redis_cache.serializers.PickleSerializer"},
		"COMPRESSOR_CLASS":      {"", "redis_cache.compressors.NoopCompressor"},
	} {
		if !slices.Contains(known, o.text(name)) {
			return nil, c.unknownClass(name, "leave it out")
		}
	}
	var options []redis.Option
	if protocol, ok := o.group("SERIALIZER_CLASS_KWARGS").number("pickle_version"); ok && protocol >= 0 {
		options = append(options, redis.WithPickleProtocol(protocol))
	}
	locations := c.locations(",")
	if primary := o.text("MASTER_CACHE"); primary != "" {
		locations = []string{primary}
	}
	own := optionsOf("OPTIONS", nil)
	own.otherwise("password", o.take("PASSWORD"))
	own.otherwise("db", o.take("DB"))
	t, err := c.redisAt(locations, own)
	if err != nil {
		return nil, err
	}
	return t.opener(options...), nil
}

func (c *cacheSetting) unknownClass(name, mend string) error {
	return c.wrong(fmt.Sprintf("what %q in OPTIONS['%s'] does cannot be known here", c.Options[name], name), mend)
}

// redisTarget is what an address for package redis is made of.
type redisTarget struct {
	family, secure string // "+sentinel"; "s" for TLS
	user, password string
	hosts          []string // none where path is that of a socket
	path           string   // or the name of the primary that Sentinels watch
	db             string
	query          url.Values
}

// oldRedis is a LOCATION of the time before URLs.
var oldRedis = regexp.MustCompile(`^(?:unix:)?(/[^/:][^:]*)(?::(\d+))?$|^([^:/]+:\d+)(?::(\d+))?$`)

// redisAt makes sense of LOCATION and what the client is given beside it. As
// with Python's client the URL has the last word. Of several locations the first
// is the primary.
func (c *cacheSetting) redisAt(locations []string, own *options) (*redisTarget, error) {
	if len(locations) == 0 {
		return nil, c.wrong("LOCATION names no server", "write 'LOCATION': 'redis://host:6379/1'")
	}
	t := &redisTarget{query: url.Values{}}
	for i, location := range locations {
		if parts := oldRedis.FindStringSubmatch(location); parts != nil {
			location = "redis://" + parts[3] + "/" + parts[4]
			if parts[1] != "" {
				location = "unix://" + escapePath(parts[1])
				if parts[2] != "" {
					location += "?db=" + parts[2]
				}
			}
		}
		u, err := url.Parse(location)
		if err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) || endsTooEarly(location) {
			return nil, c.wrong("LOCATION is no address of a Redis", "write redis://host:6379/1; what means something in a URL is written like %2F in a password")
		}
		t.hosts = append(t.hosts, u.Host)
		if i > 0 {
			continue
		}
		for name, values := range u.Query() {
			own.left[name] = values[0]
		}
		if user := u.User.Username(); user != "" {
			own.left["username"] = user
		}
		if password, ok := u.User.Password(); ok {
			own.left["password"] = password
		}
		if u.Scheme == "rediss" {
			t.secure = "s"
		}
		if u.Scheme == "unix" {
			t.hosts, t.family, t.path = nil, "unix", u.Path
		} else if db := strings.Trim(u.Path, "/"); db != "" && u.Query().Get("db") == "" {
			own.left["db"] = db
		}
	}
	own.skip(redisOwn...)
	t.user, t.password, t.db = own.text("username"), own.text("password"), own.text("db")
	reqs, given := own.left["ssl_cert_reqs"]
	if text := own.text("ssl_cert_reqs"); given && (reqs == nil || text == "0" || strings.EqualFold(text, "none")) {
		t.query.Set("ssl_cert_reqs", "none")
	}
	for _, name := range []string{"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"} {
		if file := own.text(name); file != "" {
			t.query.Set(name, file)
		}
	}
	c.at(strings.Join(t.hosts, ", ") + t.path)
	return t, nil
}

// watchedBy makes t the primary that the Sentinels know by the host's name.
func (c *cacheSetting) watchedBy(t *redisTarget, sentinels []any, own *options) error {
	primary := ""
	if len(t.hosts) > 0 {
		primary = (&url.URL{Host: t.hosts[0]}).Hostname()
	}
	t.family, t.path, t.hosts = "+sentinel", primary, nil
	for _, one := range sentinels {
		pair, ok := one.([]any)
		if !ok || len(pair) != 2 {
			t.hosts = nil
			break
		}
		t.hosts = append(t.hosts, net.JoinHostPort(fmt.Sprint(pair[0]), fmt.Sprint(pair[1])))
	}
	if len(t.hosts) == 0 || primary == "" {
		return c.wrong("the Sentinels are not named", "write 'SENTINELS': [('host', 26379), …] into OPTIONS, and 'LOCATION': 'redis://NAME_OF_THE_PRIMARY/0'")
	}
	own.skip(redisOwn...)
	for _, name := range []string{"username", "password"} {
		if value := own.text(name); value != "" {
			t.query.Set("sentinel_"+name, value)
		}
	}
	if problem := own.check(); problem != "" {
		return c.wrong(problem, "take it out")
	}
	c.at(strings.Join(t.hosts, ", ") + "/" + primary)
	return nil
}

func (t *redisTarget) opener(options ...redis.Option) opener {
	address := t.address()
	return func(ctx context.Context) (cache.Cache, error) { return redis.New(ctx, address, options...) }
}

func (t *redisTarget) address() string {
	if t.family == "" {
		t.hosts = t.hosts[:1] // the primary
	}
	u := url.URL{Scheme: "redis" + t.secure + t.family, Host: strings.Join(t.hosts, ",")}
	if t.user != "" || t.password != "" {
		u.User = url.UserPassword(t.user, t.password)
	}
	query := maps.Clone(t.query)
	if t.family == "unix" {
		u.Scheme, u.Path = "unix", t.path
		if t.db != "" {
			query.Set("db", t.db)
		}
	} else {
		u.Path = "/" + strings.TrimPrefix(t.path+"/"+t.db, "/")
	}
	u.RawQuery = query.Encode()
	return u.String()
}
