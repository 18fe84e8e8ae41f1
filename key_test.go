package cloakroom_test

import (
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom"
)

func TestNewKey(t *testing.T) {
	t.Parallel()
	const n = 10_000
	seen := map[string]bool{}
	letters := map[rune]int{}
	for range n {
		key := cloakroom.NewKey()
		if !cloakroom.ValidKey(key) || seen[key] {
			t.Fatalf("a key of the wrong shape, or a second time")
		}
		seen[key] = true
		for _, c := range key {
			letters[c]++
		}
	}
	// Each of the 36 letters is expected 8,889 times with a deviation of 93; a
	// biased choice (256 modulo 36) would be off by 12 %.
	for c, count := range letters {
		if want := n * 32 / 36; count < want*95/100 || count > want*105/100 {
			t.Errorf("%q came %d times, want about %d", c, count, want)
		}
	}
	if len(letters) != 36 {
		t.Errorf("%d letters, want 36", len(letters))
	}
}

func TestValidKey(t *testing.T) {
	t.Parallel()
	good := strings.Repeat("a0z9", 8)
	if !cloakroom.ValidKey(good) {
		t.Error("refused a good one")
	}
	for _, bad := range []string{"", good[1:], good + "a", "A" + good[1:], "_" + good[1:], "é" + good[2:], "\x00" + good[1:]} {
		if cloakroom.ValidKey(bad) {
			t.Errorf("took %q", bad)
		}
	}
}
