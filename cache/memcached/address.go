package memcached

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/cloakroom-go/cloakroom"
)

// address is where a server is.
type address struct {
	network string // tcp or unix
	host    string // or the path of a socket
	port    string
}

// name is what pymemcache knows the server by.
func (a address) name() string {
	if a.network == "unix" {
		return a.host
	}
	return a.host + ":" + a.port
}

// String is what net.Dial connects to.
func (a address) String() string {
	if a.network == "unix" {
		return a.host
	}
	return net.JoinHostPort(a.host, a.port)
}

const (
	scheme      = "memcached://"
	defaultPort = "11211"
)

// CheckAddress is nil where [New] makes sense of an address, and its error
// otherwise. It connects to nobody.
func CheckAddress(address string) error {
	_, err := serversAt(address)
	return err
}

func serversAt(text string) ([]address, error) {
	all, err := parse(text)
	if err != nil {
		err = named(&cloakroom.Error{
			Kind: cloakroom.ErrConfig, Err: err,
			Reason: "the address is wrong", Mend: "write memcached://host:port,host:port",
		})
	}
	return all, err
}

// parse reads what Django has in LOCATION, after the scheme. Its separators are
// the comma and the semicolon. Its errors repeat nothing of it: who takes Memcached
// for Redis writes a password.
func parse(text string) ([]address, error) {
	list, ok := strings.CutPrefix(text, scheme)
	if !ok {
		return nil, errors.New("it does not begin with " + scheme)
	}
	var all []address
	for _, one := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' }) {
		a, err := parseOne(one)
		if err != nil {
			return nil, fmt.Errorf("its server %d: %w", len(all)+1, err)
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		return nil, errors.New("it names no server")
	}
	return all, nil
}

func parseOne(text string) (address, error) {
	path := strings.TrimPrefix(text, "unix:")
	if path != text || strings.HasPrefix(text, "/") {
		if path == "" {
			return address{}, errors.New("a socket has a path")
		}
		return address{network: "unix", host: path}, nil
	}
	// python-memcached's way to tell IPv6 addresses from others.
	text = strings.TrimPrefix(strings.TrimPrefix(text, "inet6:"), "inet:")
	host, port := text, defaultPort
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	switch {
	case bare != text && len(bare) == len(text)-2:
		host = bare
	case strings.Contains(text, ":"):
		var err error
		if host, port, err = net.SplitHostPort(text); err != nil {
			return address{}, errors.New("write host:port, or [host]:port around an IPv6 address")
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return address{}, errors.New("the port is a number up to 65535")
	}
	if host == "" || strings.ContainsAny(host, "/@?# ") {
		return address{}, errors.New("that is no host")
	}
	return address{"tcp", host, port}, nil
}
