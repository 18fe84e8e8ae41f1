package locmem_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/enginetest"
)

func TestEngine(t *testing.T) {
	t.Parallel()
	const inProcess = "there is no back end that could fail or be damaged: it is this process"
	enginetest.Run(t, enginetest.Config{
		Open:          func(testing.TB) cloakroom.Engine { return locmem.Open() },
		ExpiresItself: true,
		FakeClock:     true,
		Waived: map[string]string{
			"DeleteEverywhere":      "the store belongs to the one engine that opened it",
			"Outage":                inProcess,
			"Corrupt":               inProcess,
			"ListPassesOverCorrupt": inProcess,
			"StatsCorrupt":          inProcess,
		},
	})
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ExampleOpen() {
	ctx := context.Background()
	engine := locmem.Open(locmem.MaxEntries(10_000), locmem.MaxBytes(64<<20))

	ticket := &cloakroom.Record{
		Data:    map[string]any{"coat": "green"},
		Expires: time.Now().Add(time.Hour),
	}
	if err := engine.Create(ctx, ticket); err != nil {
		fmt.Println(err)
	}
	record, err := engine.Load(ctx, ticket.Key)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(record.Data["coat"])
	// Output: green
}
