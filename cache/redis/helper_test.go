package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// granularity is how old the time may be that Redis goes by: it looks at its
// clock once for all the commands that it finds waiting.
const granularity = 5 * time.Millisecond

// command asks Redis past the engine.
func command(t testing.TB, addr string, words ...string) rueidis.RedisMessage {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{addr}, ForceSingleClient: true, DisableCache: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	answer, err := client.Do(context.Background(), client.B().Arbitrary(words...).Build()).ToMessage()
	if err != nil {
		t.Fatalf("%s: %v", words[0], err)
	}
	return answer
}

// leastRights is all that a user of the engine has to be allowed.
const leastRights = "+get +pttl +set +del +pexpire +eval +evalsha +scan +strlen +ping"
