package redis

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom-go/cloakroom"
)

// swap replaces what was read, ARGV[1], by ARGV[2] with its milliseconds to
// live, or deletes it when there is no ARGV[2].
var swap = rueidis.NewLuaScript(`
local stored = redis.call('GET', KEYS[1])
if not stored then return 0 end
if stored ~= ARGV[1] then return stored == ARGV[2] and 3 or 1 end
if ARGV[2] then
	redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
else
	redis.call('DEL', KEYS[1])
end
return 2`)

// What swap answers.
const (
	swapGone = iota
	swapConflict
	swapDone
	swapSame // a conflict with the very value that was to be written
)

// compareAndSwap runs swap, again if the connection broke: then nobody knows
// whether it was carried out. What was to be written may be there already, or
// somebody may have changed that since.
func (c *Cache) compareAndSwap(ctx context.Context, key string, args []string) error {
	for attempt := 1; ; attempt++ {
		answer, err := swap.Exec(ctx, c.client, []string{key}, args).AsInt64()
		switch {
		case isOtherType(err):
			return cloakroom.ErrConflict
		case err != nil && ctx.Err() == nil && worthRepeating(attempt, err):
			continue
		case err != nil:
			return c.failure(ctx, err)
		case answer == swapGone:
			return cloakroom.ErrGone
		case answer == swapDone, answer == swapSame && attempt > 1:
			return nil
		case attempt > 1:
			return errUntold
		}
		return cloakroom.ErrConflict
	}
}

var errUntold = &cloakroom.Error{
	Kind: cloakroom.ErrUnavailable, Reason: "the connection broke before Redis told whether it saved the session",
	Mend: "try again",
}

// multiplex is the binary logarithm of how many connections there are to a
// Redis.
const multiplex = 2

// connectors bounds how many visitors, each of whom began to connect for all and
// left, somebody else outlasts who has no deadline.
const connectors = 100

// worthRepeating reports whether a command that failed may succeed on another
// connection. After a restart of Redis each of them is found broken once.
func worthRepeating(attempt int, err error) bool {
	if errors.Is(err, context.Canceled) { // whoever began to connect gave up; nothing was sent
		return attempt < connectors
	}
	if _, answered := rueidis.IsRedisErr(err); answered || attempt > 1<<multiplex || errors.Is(err, rueidis.ErrClosing) {
		return false
	}
	if broken, ok := errors.AsType[net.Error](err); ok && broken.Timeout() {
		return false
	}
	op, ok := errors.AsType[*net.OpError](err)
	return !ok || op.Op != "dial"
}

// repeatAtOnce is how rueidis repeats what is safe to repeat.
func repeatAtOnce(attempt int, _ rueidis.Completed, err error) time.Duration {
	if worthRepeating(attempt, err) {
		return 0
	}
	return -1
}
