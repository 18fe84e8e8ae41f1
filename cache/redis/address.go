package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/redis/rueidis"

	"github.com/cloakroom-go/cloakroom"
)

// target is what an address names.
type target struct {
	name     string // Redis, Redis Sentinel or Redis Cluster
	location string
	rueidis.ClientOption
}

const (
	single   = "Redis"
	sentinel = "Redis Sentinel"
	cluster  = "Redis Cluster"
)

// CheckAddress is nil where [New] makes sense of an address, and its error
// otherwise. It connects to nobody.
func CheckAddress(address string) error {
	_, err := targetOf(address)
	return err
}

func targetOf(address string) (target, error) {
	t, err := parse(address)
	if err != nil {
		err = named(&cloakroom.Error{
			Kind: cloakroom.ErrConfig, Err: err,
			Reason: "the address is wrong", Mend: "write redis://user:password@host:port/db",
		})
	}
	return t, err
}

// old is what redis_cache calls a LOCATION.
var old = regexp.MustCompile(`^(unix:/?(/[^:]+)|[^:/]+:\d+):(\d+)$`)

// parse makes sense of an address. Its errors repeat nothing of it, for it may
// hold a password.
func parse(address string) (target, error) {
	if parts := old.FindStringSubmatch(address); parts != nil {
		if parts[2] != "" {
			address = "unix://" + (&url.URL{Path: parts[2]}).EscapedPath() + "?db=" + parts[3]
		} else {
			address = "redis://" + parts[1] + "/" + parts[3]
		}
	}
	u, hosts, err := split(address)
	if err != nil {
		return target{}, err
	}
	t := target{name: single}
	t.ForceSingleClient = true
	t.Username = u.User.Username()
	t.Password, _ = u.User.Password()
	query := u.Query()
	path := strings.Trim(u.Path, "/")

	family, secure := strings.CutPrefix(u.Scheme, "rediss")
	if !secure {
		family = strings.TrimPrefix(family, "redis")
	}
	switch family {
	case "":
	case "unix":
		hosts, path = []string{u.Path}, ""
		t.DialCtxFn = dialUnix
	case "+sentinel":
		t.name, t.ForceSingleClient = sentinel, false
		t.Sentinel.MasterSet, path, _ = strings.Cut(path, "/")
		t.Sentinel.Username, t.Sentinel.Password = query.Get("sentinel_username"), query.Get("sentinel_password")
		if t.Sentinel.MasterSet == "" {
			return target{}, errors.New("it does not name the primary that the Sentinels watch")
		}
	case "+cluster":
		t.name, t.ForceSingleClient = cluster, false
	default:
		return target{}, errors.New("it names no Redis")
	}
	t.InitAddress = hosts
	if t.SelectDB, err = database(path, query.Get("db")); err != nil {
		return target{}, err
	}
	if t.name == cluster && t.SelectDB != 0 {
		return target{}, errors.New("a Cluster has no other database than 0")
	}
	if secure {
		if t.TLSConfig, err = encryption(query); err != nil {
			return target{}, err
		}
		t.Sentinel.TLSConfig = t.TLSConfig
	}
	t.location = strings.Join(hosts, ",")
	if t.name == sentinel {
		t.location += "/" + t.Sentinel.MasterSet
	}
	if t.name != cluster {
		t.location += "/" + strconv.Itoa(t.SelectDB)
	}
	return t, nonsense(query)
}

// split takes an address apart. Several hosts are too many for package url.
func split(address string) (u *url.URL, hosts []string, err error) {
	scheme, rest, ok := strings.Cut(address, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndex(rest[:end], "@") + 1
	if u, err = url.Parse(scheme + "://" + rest[:at] + rest[end:]); err != nil || !ok {
		return nil, nil, errors.New("it is no URL; what means something in one is written %2F in a password")
	}
	for host := range strings.SplitSeq(rest[at:end], ",") {
		port := "6379"
		if strings.HasSuffix(u.Scheme, "+sentinel") {
			port = "26379"
		}
		if name, number, err := net.SplitHostPort(host); err == nil {
			host, port = name, number
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return nil, nil, errors.New("a port is no number up to 65535")
		}
		if host = strings.Trim(host, "[]"); host == "" {
			host = "127.0.0.1"
		}
		hosts = append(hosts, net.JoinHostPort(host, port))
	}
	return u, hosts, nil
}

// database reads its number. Python's client lets the query have its way.
func database(path, query string) (int, error) {
	if query != "" {
		path = query
	}
	if path == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(path, 10, 31)
	if err != nil {
		return 0, errors.New("its database is no number")
	}
	return int(n), nil
}

// encryption is what Python's client makes of its ssl options.
func encryption(query url.Values) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	config.InsecureSkipVerify = query.Get("ssl_cert_reqs") == "none"
	if file := query.Get("ssl_ca_certs"); file != "" {
		authorities, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, errors.New("ssl_ca_certs names a file without certificates")
		}
	}
	if file := query.Get("ssl_certfile"); file != "" {
		own, err := tls.LoadX509KeyPair(file, query.Get("ssl_keyfile"))
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

// nonsense finds what the address asks for in vain.
func nonsense(query url.Values) error {
	for name := range query {
		switch name {
		case "db", "sentinel_username", "sentinel_password",
			"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs":
		default:
			if strings.Contains(query.Encode(), "%40") { // so it may be the rest of a password
				return errors.New("an option is not known; a ? is written %3F in a password")
			}
			return errors.New("there is no option " + strconv.Quote(name))
		}
	}
	return nil
}

func dialUnix(ctx context.Context, path string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
	return dialer.DialContext(ctx, "unix", path)
}
