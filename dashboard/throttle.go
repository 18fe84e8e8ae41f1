package dashboard

import (
	"cmp"
	"crypto/sha256"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/unicode/norm"
)

// throttle slows down who guesses passwords. Each failure past an allowance
// doubles the wait. The zero value is ready.
type throttle struct {
	mu       sync.Mutex
	guessers map[[32]byte]guesser
}

type guesser struct {
	failures int
	until    time.Time // no attempt before then
}

const (
	accountAllowance = 5
	addressAllowance = 20 // many people may share an address
	longestWait      = 5 * time.Minute
	forgivenAfter    = time.Hour
	maxGuessers      = 10_000
)

// attempt is one try at a password. It counts as failed until it succeeds, so
// that many at once are not free.
type attempt struct {
	throttle         *throttle
	account, address [32]byte
}

// begin counts an attempt, or says how long to wait before the next. The wait
// for a name is the same whether there is such an account or not.
func (t *throttle) begin(account, address string) (a attempt, wait time.Duration) {
	now := time.Now()
	a = attempt{throttle: t, account: subject("account", folded(account)), address: subject("address", network(address))}
	t.mu.Lock()
	defer t.mu.Unlock()
	wait = max(t.guessers[a.account].until.Sub(now), t.guessers[a.address].until.Sub(now))
	if wait <= 0 {
		t.count(a.account, accountAllowance, now)
		t.count(a.address, addressAllowance, now)
	}
	return a, wait
}

// succeeded takes the attempt back, and forgives the account its failures. The
// address is not forgiven: who has an account could go on guessing others'.
func (a attempt) succeeded() {
	t := a.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.guessers, a.account)
	if g, ok := t.guessers[a.address]; ok {
		g.failures--
		t.guessers[a.address] = g
	}
}

func (t *throttle) count(who [32]byte, allowance int, now time.Time) {
	if t.guessers == nil {
		t.guessers = map[[32]byte]guesser{}
	}
	g, known := t.guessers[who]
	if !known {
		t.makeRoom()
	} else if now.Sub(g.until) > forgivenAfter {
		g = guesser{}
	}
	g.failures++
	g.until = now
	if past := g.failures - allowance; past >= 0 {
		g.until = now.Add(min(time.Second<<min(past, 20), longestWait))
	}
	t.guessers[who] = g
}

// makeRoom forgets, of a random few, who failed least and longest ago. Looking
// at all of them would let a flood of names slow everybody down.
func (t *throttle) makeRoom() {
	if len(t.guessers) < maxGuessers {
		return
	}
	var least [32]byte
	var fewest guesser
	looked := 0
	for who, g := range t.guessers { // in random order
		if looked == 0 || cmp.Or(cmp.Compare(g.failures, fewest.failures), g.until.Compare(fewest.until)) < 0 {
			least, fewest = who, g
		}
		if looked++; looked == 16 {
			break
		}
	}
	delete(t.guessers, least)
}

// folded is one for all the ways to write a name that may mean one account.
func folded(name string) string { return strings.ToLower(norm.NFKC.String(name)) }

func subject(kind, name string) [32]byte { return sha256.Sum256([]byte(kind + " " + name)) }

// network is what one guesser can choose addresses from: an IPv6 /64.
func network(address string) string {
	if a, err := netip.ParseAddr(address); err == nil && a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return address
}
