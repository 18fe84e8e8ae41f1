package locmem_test

import (
	"testing"

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
