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
// doubles the wait, and failures are forgiven one by one as time passes. The zero
// value is ready.
type throttle struct {
	mu       sync.Mutex
	guessers map[[32]byte]guesser
}

type guesser struct {
	failures int
	since    time.Time // when the first of them was, or the last was forgiven
	until    time.Time // no attempt before then
}

const (
	visitorAllowance = 5
	addressAllowance = 20 // many people may share an address
	accountAllowance = 50 // a stranger must not keep its owner out
	longestWait      = 5 * time.Minute
	forgivenAfter    = time.Hour // a whole allowance
	maxGuessers      = 10_000
)

// counter is one thing that attempts are counted by.
type counter struct {
	who       [32]byte
	allowance int
}

// signingIn counts by the account for who is at one address, which nobody
// elsewhere can use up; by the account for everybody together; and by the address.
// It is the same whether there is such an account or not.
func signingIn(name, address string) []counter {
	account, from := folded(name), network(address)
	return []counter{
		{subject("account from", account+" "+from), visitorAllowance},
		{subject("account", account), accountAllowance},
		{subject("address", from), addressAllowance},
	}
}

// confirming counts by the session of somebody who is signed in, whom no stranger's
// guesses concern, and by the address.
func confirming(session, address string) []counter {
	return []counter{
		{subject("session", session), visitorAllowance},
		{subject("address", network(address)), addressAllowance},
	}
}

// attempt is one try at a password. It counts as failed until it succeeds, so
// that many at once are not free.
type attempt struct {
	throttle *throttle
	counted  []counted
}

type counted struct {
	who           [32]byte
	before, after guesser
}

// begin counts an attempt, or says how long to wait before the next.
func (t *throttle) begin(counters []counter) (a attempt, wait time.Duration) {
	now := time.Now()
	a.throttle = t
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range counters {
		wait = max(wait, t.guessers[c.who].until.Sub(now))
	}
	if wait > 0 {
		return a, wait
	}
	for _, c := range counters {
		a.counted = append(a.counted, t.count(c, now))
	}
	return a, 0
}

// succeeded takes the attempt back, and forgives its visitor all failures. The rest
// are not forgiven: who has an account could go on guessing others'.
func (a attempt) succeeded() {
	t := a.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, c := range a.counted {
		g, known := t.guessers[c.who]
		switch {
		case i == 0, c.before.failures == 0 && g == c.after:
			delete(t.guessers, c.who)
		case g == c.after: // nobody else has failed meanwhile, so nobody has to wait for it
			t.guessers[c.who] = c.before
		case known:
			g.failures--
			t.guessers[c.who] = g
		}
	}
}

func (t *throttle) count(c counter, now time.Time) counted {
	if t.guessers == nil {
		t.guessers = map[[32]byte]guesser{}
	}
	before, known := t.guessers[c.who]
	if !known {
		t.makeRoom()
	}
	before = before.forgiven(c.allowance, now)
	after := before
	if after.failures == 0 {
		after.since = now
	}
	after.failures++
	after.until = now
	if past := after.failures - c.allowance; past >= 0 {
		after.until = now.Add(min(time.Second<<min(past, 20), longestWait))
	}
	t.guessers[c.who] = after
	return counted{c.who, before, after}
}

// forgiven is what is left of g's failures.
func (g guesser) forgiven(allowance int, now time.Time) guesser {
	each := forgivenAfter / time.Duration(allowance)
	n := int(now.Sub(g.since) / each)
	if n >= g.failures {
		return guesser{}
	}
	g.failures -= n
	g.since = g.since.Add(time.Duration(n) * each)
	return g
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
