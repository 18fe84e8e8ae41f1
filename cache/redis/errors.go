package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/cloakroom-go/cloakroom"
)

// diagnosis is what Redis's refusal means.
type diagnosis struct {
	says         string // a part of what it answers
	kind         error
	reason, mend string
}

// diagnoses are tried in order. The words are those of Redis 5 to 8 and Valkey.
var diagnoses = []diagnosis{
	{"OOM command not allowed", cloakroom.ErrUnavailable, "Redis is full", "raise maxmemory, or have fewer other things in it"},
	{"MISCONF", cloakroom.ErrUnavailable, "Redis takes nothing because it cannot write its disk", "see that its disk has room; its log says more"},
	{"LOADING", cloakroom.ErrUnavailable, "Redis is still reading what it keeps", "wait"},
	{"READONLY", cloakroom.ErrUnavailable, "this Redis is a replica", "name the primary, or the Sentinels that know it"},
	{"MASTERDOWN", cloakroom.ErrUnavailable, "this Redis is a replica without its primary", "name the primary, or the Sentinels that know it"},
	{"NOREPLICAS", cloakroom.ErrUnavailable, "Redis has too few replicas to take anything", "start them, or lower min-replicas-to-write"},
	{"CLUSTERDOWN", cloakroom.ErrUnavailable, "the Redis Cluster is down, or a part of it", "see CLUSTER INFO"},
	{"TRYAGAIN", cloakroom.ErrUnavailable, "the Redis Cluster is moving the session", "wait"},
	{"BUSY", cloakroom.ErrUnavailable, "Redis is busy with somebody's script", "end it with SCRIPT KILL"},
	{"max number of clients", cloakroom.ErrUnavailable, "Redis has too many connections", "raise maxclients"},
	{"MOVED", cloakroom.ErrConfig, "this Redis is part of a Cluster", "begin the address with redis+cluster://"},
	{"NOAUTH", cloakroom.ErrConfig, "Redis wants a password", "put user and password into the address"},
	{"WRONGPASS", cloakroom.ErrConfig, "Redis refuses the user or the password", "mend them in the address"},
	{"invalid password", cloakroom.ErrConfig, "Redis refuses the password", "mend it in the address"},
	{"without any password configured", cloakroom.ErrConfig, "Redis has no password", "leave it out of the address, or set requirepass"},
	{"NOPERM", cloakroom.ErrConfig, "Redis does not allow the user that", rights},
	{"The user executing the script", cloakroom.ErrConfig, "Redis does not allow the user that", rights},
	{"DB index is out of range", cloakroom.ErrConfig, "Redis has no database of that number", "choose a lower one, or raise databases"},
	{"DENIED", cloakroom.ErrConfig, "Redis is in protected mode", "give it a password, or bind it to an address of its own"},
	{"No such master", cloakroom.ErrConfig, "the Sentinels know no primary of that name", "mend the name in the address"},
	{"unknown command 'SENTINEL'", cloakroom.ErrConfig, "this Redis is no Sentinel", "name the Sentinels, or begin the address with redis://"},
	{"exceeds maximum allowed size", cloakroom.ErrTooLarge, "Redis takes no value as large", "keep less in the session, or raise proto-max-bulk-len"},
}

const rights = "allow it +get +pttl +set +del +pexpire +eval +evalsha +scan +strlen +ping on the keys of the sessions"

// failure says what became of a command. It returns nil for a nil err.
func (c *Cache) failure(ctx context.Context, err error) error {
	location := c.description.Location
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err() // nobody waits for the answer any more
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return &cloakroom.Error{
			Kind: cloakroom.ErrUnavailable, Err: context.DeadlineExceeded,
			Reason: "Redis did not answer in time", Mend: "see what keeps " + location + " busy",
		}
	}
	if errors.Is(err, context.Canceled) {
		err = errAbandoned
	}
	for _, d := range diagnoses {
		if strings.Contains(err.Error(), d.says) {
			if d.says == "READONLY" || d.says == "MASTERDOWN" {
				c.links.leave()
			}
			return &cloakroom.Error{Kind: d.kind, Reason: d.reason, Mend: d.mend, Err: err}
		}
	}
	if isAboutTrust(err) {
		return &cloakroom.Error{
			Kind: cloakroom.ErrConfig, Err: err,
			Reason: "Redis's certificate is not trusted", Mend: "name the authority with ?ssl_ca_certs= in the address",
		}
	}
	e := &cloakroom.Error{Kind: cloakroom.ErrUnavailable, Err: err}
	if _, answered := rueidis.IsRedisErr(err); !answered {
		e.Reason, e.Mend = "Redis cannot be reached", "see that it runs at "+location
	}
	return e
}

// errAbandoned stands for the cancellation of another request, whose connection
// this one waited for.
var errAbandoned = errors.New("whoever was connecting gave up")

func isAboutTrust(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	return verification || unknown
}

// isOtherType reports that somebody keeps another thing than a string there.
func isOtherType(err error) bool {
	return err != nil && strings.Contains(err.Error(), "WRONGTYPE")
}

func corrupt(cause error) error { return fmt.Errorf("%w: %w", cloakroom.ErrCorrupt, cause) }
