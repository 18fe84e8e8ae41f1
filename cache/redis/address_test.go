package redis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	type want struct {
		Hosts                []string
		Name, Location       string
		Database             int
		User, Password       string
		Primary, SentinelPwd string
		Encrypted            bool
	}
	for address, w := range map[string]want{
		"redis://":                                    {Hosts: []string{"127.0.0.1:6379"}, Name: single, Location: "127.0.0.1:6379/0"},
		"redis://h":                                   {Hosts: []string{"h:6379"}, Name: single, Location: "h:6379/0"},
		"redis://h:1/2":                               {Hosts: []string{"h:1"}, Name: single, Location: "h:1/2", Database: 2},
		"redis://h/2?db=3":                            {Hosts: []string{"h:6379"}, Name: single, Location: "h:6379/3", Database: 3},
		"redis://[::1]:7":                             {Hosts: []string{"[::1]:7"}, Name: single, Location: "[::1]:7/0"},
		"redis://[::1]":                               {Hosts: []string{"[::1]:6379"}, Name: single, Location: "[::1]:6379/0"},
		"redis://ada:p%40%2F@h":                       {Hosts: []string{"h:6379"}, Name: single, Location: "h:6379/0", User: "ada", Password: "p@/"},
		"redis://:pw@h":                               {Hosts: []string{"h:6379"}, Name: single, Location: "h:6379/0", Password: "pw"},
		"rediss://h/?ssl_cert_reqs=none":              {Hosts: []string{"h:6379"}, Name: single, Location: "h:6379/0", Encrypted: true},
		"unix:///run/redis.sock":                      {Hosts: []string{"/run/redis.sock"}, Name: single, Location: "/run/redis.sock/0"},
		"unix://ada:pw@/run/redis.sock?db=4":          {Hosts: []string{"/run/redis.sock"}, Name: single, Location: "/run/redis.sock/4", Database: 4, User: "ada", Password: "pw"},
		"redis+sentinel://pw@a,b:7/main/1":            {Hosts: []string{"a:26379", "b:7"}, Name: sentinel, Location: "a:26379,b:7/main/1", Database: 1, User: "pw", Primary: "main"},
		"redis+sentinel://a/main?sentinel_password=s": {Hosts: []string{"a:26379"}, Name: sentinel, Location: "a:26379/main/0", Primary: "main", SentinelPwd: "s"},
		"redis+cluster://:pw@a:1,b:2,[::1]:3":         {Hosts: []string{"a:1", "b:2", "[::1]:3"}, Name: cluster, Location: "a:1,b:2,[::1]:3", Password: "pw"},
		"rediss+cluster://a":                          {Hosts: []string{"a:6379"}, Name: cluster, Location: "a:6379", Encrypted: true},
		"127.0.0.1:6379:1":                            {Hosts: []string{"127.0.0.1:6379"}, Name: single, Location: "127.0.0.1:6379/1", Database: 1},
		"unix:/run/redis.sock:1":                      {Hosts: []string{"/run/redis.sock"}, Name: single, Location: "/run/redis.sock/1", Database: 1},
	} {
		got, err := parse(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if diff := cmp.Diff(w, want{
			got.InitAddress, got.name, got.location, got.SelectDB, got.Username, got.Password,
			got.Sentinel.MasterSet, got.Sentinel.Password, got.TLSConfig != nil,
		}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
	}
}

func TestWrongAddresses(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, address := range []string{
		"", "h", "h:6379", "http://h", "redisx://h", "redis://:" + secret + "%zz@h", "redis://:" + secret + "@h/x",
		"redis://:" + secret + "@h/-1", "redis://:" + secret + "@h/1/2", "redis://:" + secret + "@h?databse=1",
		"redis+sentinel://:" + secret + "@h", "redis+cluster://:" + secret + "@h/1",
		"rediss://:" + secret + "@h?ssl_ca_certs=/dev/null", "rediss://:" + secret + "@h?ssl_certfile=/none",
		"rediss://:" + secret + "@h?ssl_ca_certs=/none",
		"redis://:pa?" + secret + "@h", "redis://:pa?" + secret + "&x@h/1", "redis://:pa?x=" + secret + "@h", "redis://:pa#" + secret + "@h",
	} {
		_, err := parse(address)
		if err == nil {
			t.Errorf("%s is taken", address)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells the password: %v", address, err)
		}
	}
}
