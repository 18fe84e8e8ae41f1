package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/django/identity"
	"github.com/cloakroom-go/cloakroom/internal/human"
)

func TestSeal(t *testing.T) {
	t.Parallel()
	a, err := newSeal("one secret")
	if err != nil {
		t.Fatal(err)
	}
	b, err := newSeal("another secret")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		handle := a.handle(sealedKey, text)
		if again := a.handle(sealedKey, text); again != handle {
			t.Fatal("a handle is not stable")
		}
		if got, ok := a.open(sealedKey, handle); !ok || got != text {
			t.Fatalf("opened %q, %v", got, ok)
		}
		if _, ok := a.open(sealedCursor, handle); ok {
			t.Fatal("a handle serves another purpose")
		}
		if _, ok := b.open(sealedKey, handle); ok {
			t.Fatal("a handle opens under another secret")
		}
		i := rapid.IntRange(0, len(handle)-2).Draw(t, "i")
		forged := handle[:i] + string(rune('A'+(handle[i]+1)%26)) + handle[i+1:]
		if _, ok := a.open(sealedKey, forged); ok && forged != handle {
			t.Fatal("a forged handle opens")
		}
	})
	for _, broken := range []string{"", "x", "%%%", strings.Repeat("A", 27)} {
		if _, ok := a.open(sealedKey, broken); ok {
			t.Errorf("%q opens", broken)
		}
	}
}

// A window shows what sorting everything would, however it is walked.
func TestWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := order{By: rapid.SampledFrom(orders).Draw(t, "by"), Desc: rapid.Bool().Draw(t, "desc")}
		size := rapid.IntRange(1, 7).Draw(t, "size")
		var rows []row
		for i := range rapid.IntRange(0, 40).Draw(t, "n") {
			few := rapid.IntRange(0, 5)
			rows = append(rows, row{
				key: fmt.Sprint("key", i), Name: fmt.Sprint(few.Draw(t, "name")), Size: few.Draw(t, "bytes"),
				Device: device{SignedIn: int64(few.Draw(t, "signed in"))}, Expires: time.Unix(int64(few.Draw(t, "expires")), 0),
			})
		}
		sorted := slices.SortedFunc(slices.Values(rows), func(a, b row) int { return o.compare(o.place(a), o.place(b)) })
		look := func(after, before *place) *window {
			w := &window{order: o, size: size, after: after, before: before}
			for _, r := range rows {
				w.add(r)
			}
			return w
		}
		check := func(w *window, from int) {
			want := sorted[from:min(from+size, len(sorted))]
			if !slices.EqualFunc(w.rows, want, func(a, b row) bool { return a.key == b.key }) {
				t.Fatalf("at %d: %v, want %v", from, w.rows, want)
			}
			if w.total != len(rows) || w.preceding != from || w.HasPrevious() != (from > 0) || w.HasNext() != (from+size < len(rows)) {
				t.Fatalf("at %d: %d of %d", from, w.preceding, w.total)
			}
		}
		w, from := look(nil, nil), 0
		for check(w, from); w.HasNext(); check(w, from) {
			last := o.place(w.rows[len(w.rows)-1])
			w, from = look(&last, nil), from+size
		}
		for w.HasPrevious() {
			first := o.place(w.rows[0])
			w, from = look(nil, &first), from-size
			check(w, from)
		}
	})
}

// endless is an engine that never comes to the end of its sessions.
type endless struct{ cloakroom.Engine }

func (endless) List(context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		for yield(&cloakroom.Record{Key: "another"}, nil) {
		}
	}
}

func TestEndingThatRunsOutOfTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	ended, err := store{engine: endless{locmem.Open()}}.endSessions(ctx, identity.User{ID: "1"}, "")
	if err != nil || !ended.stopped || ended.count != 0 || ended.read == 0 {
		t.Errorf("%+v, %v", ended, err)
	}
	if text := ended.String(); !strings.Contains(text, human.Plural(ended.read, "session")) || !strings.Contains(text, "cloakroom revoke --user") {
		t.Error(text)
	}
}

func TestThrottleDoublesAndForgives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var throttle throttle
		var waits []time.Duration
		for i := range visitorAllowance + 11 {
			by := signingIn([]string{"ada", "Ada"}[i%2], "192.0.2.1")
			_, wait := throttle.begin(by)
			waits = append(waits, wait)
			if time.Sleep(wait); wait > 0 {
				throttle.begin(by)
			}
		}
		if !slices.IsSorted(waits) || waits[len(waits)-1] != longestWait {
			t.Errorf("waits %v", waits)
		}
		time.Sleep(5 * forgivenAfter)
		for range visitorAllowance - 1 {
			if _, wait := throttle.begin(signingIn("ada", "192.0.2.1")); wait > 0 {
				t.Errorf("not forgiven: %v", wait)
			}
		}
		attempt, _ := throttle.begin(signingIn("ada", "192.0.2.1"))
		attempt.succeeded()
		for range visitorAllowance {
			if _, wait := throttle.begin(signingIn("ada", "192.0.2.1")); wait > 0 {
				t.Errorf("a success was not forgiven: %v", wait)
			}
		}
	})
}

func TestThrottleByAddressAndMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // time stands still
		var throttle throttle
		another := signingIn("another", "2001:db8::ffff")
		for i := range addressAllowance {
			if _, wait := throttle.begin(signingIn(fmt.Sprint("name", i), fmt.Sprintf("2001:db8::%x", i))); wait > 0 {
				t.Fatalf("attempt %d has to wait %v", i, wait)
			}
		}
		if _, wait := throttle.begin(another); wait != time.Second {
			t.Errorf("one network guesses on without end: it waits %v", wait)
		}
		time.Sleep(time.Second)
		own, wait := throttle.begin(signingIn("own", "2001:db8::1"))
		if wait > 0 {
			t.Errorf("still has to wait %v", wait)
		}
		own.succeeded()
		if _, wait := throttle.begin(another); wait > 0 {
			t.Errorf("who has signed in keeps others waiting: %v", wait)
		}
		if _, wait := throttle.begin(another); wait != 2*time.Second {
			t.Errorf("signing in to an account lets its owner guess others' on: %v", wait)
		}
		if _, wait := throttle.begin(signingIn("another", "2001:db8:0:1::1")); wait > 0 {
			t.Error("another network has to wait")
		}
		for i := range maxGuessers {
			throttle.begin(signingIn(fmt.Sprint("flood", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)))
		}
		if n := len(throttle.guessers); n > maxGuessers {
			t.Errorf("%d remembered, want at most %d", n, maxGuessers)
		}
		if _, wait := throttle.begin(another); wait <= 0 {
			t.Error("a flood of names made the throttle forget who has to wait")
		}
	})
}

// Everyday typos of many people behind one address keep nobody out.
func TestThrottleLetsAnOfficeWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var throttle throttle
		for i := range 3 * 24 * 7 { // a week
			by := signingIn(fmt.Sprint("user", i%40), "192.0.2.1")
			if i%4 == 0 {
				throttle.begin(by)
				time.Sleep(10 * time.Second)
			}
			attempt, wait := throttle.begin(by)
			if wait > 0 {
				t.Fatalf("at hour %d somebody has to wait %v", i/3, wait)
			}
			attempt.succeeded()
			time.Sleep(20 * time.Minute)
		}
	})
}

// A stranger who guesses all day, from some networks, keeps no owner out of the
// account, be it to sign in or to confirm; nor do many strangers guess without end.
func TestThrottleLetsTheOwnerIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var throttle throttle
		guesses := 0
		for second := range 24 * 3600 {
			if _, wait := throttle.begin(signingIn("admin", fmt.Sprint("203.0.113.", second%3))); wait == 0 {
				guesses++
			}
			if second%600 == 333 {
				for _, by := range [][]counter{signingIn("admin", "198.51.100.1"), confirming("a session", "198.51.100.1")} {
					attempt, wait := throttle.begin(by)
					if wait > 0 {
						t.Fatalf("at second %d the owner has to wait %v", second, wait)
					}
					attempt.succeeded()
				}
			}
			time.Sleep(time.Second)
		}
		if guesses > 1000 {
			t.Errorf("%d guesses in a day", guesses)
		}
		guesses = 0
		for i := range 24 * 3600 { // a network each
			if _, wait := throttle.begin(signingIn("root", fmt.Sprintf("10.%d.%d.1", i>>8&255, i&255))); wait == 0 {
				guesses++
			}
			time.Sleep(time.Second)
		}
		if guesses > 1500 {
			t.Errorf("%d guesses in a day from everywhere", guesses)
		}
	})
}

func TestAddress(t *testing.T) {
	t.Parallel()
	d := &Dashboard{config: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:1234", "", "192.0.2.1"},
		{"192.0.2.1:1234", "203.0.113.9", "192.0.2.1"}, // no proxy of ours
		{"10.0.0.1:1234", "203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:1234", "198.51.100.7, 203.0.113.9", "203.0.113.9"}, // the first is the client's word
		{"10.0.0.1:1234", "198.51.100.7, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
		{"10.0.0.1:1234", "nonsense", "10.0.0.1"},
		{"10.0.0.1:1234", "", "10.0.0.1"},
		{"[::1]:1234", "2001:db8::7", "2001:db8::7"},
		{"[::ffff:192.0.2.1]:80", "", "192.0.2.1"},
		{"[fe80::1%eth0]:80", "", "fe80::1"},
		{"@", "203.0.113.9", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := d.address(r); got != c.want {
			t.Errorf("from %s for %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

func TestDeviceNames(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string][2]string{
		"": {"Unknown device", "unknown"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                                  {"Firefox on Linux", "desktop"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": {"Safari on iOS", "phone"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":           {"Edge on Windows", "desktop"},
	} {
		d := device{Agent: agent}
		if got := [2]string{d.String(), d.Kind()}; got != want {
			t.Errorf("%s: %v, want %v", agent, got, want)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("User-Agent", strings.Repeat("é", maxAgent)+"\xff")
	if got := agentOf(r); len(got) > maxAgent || !utf8.ValidString(got) || len(got) < maxAgent-4 {
		t.Errorf("a long user agent is kept as %d bytes", len(got))
	}
}

func TestPlot(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 5, 1, 12, 3, 0, 0, time.UTC)
	day := plotRanges[0]
	sample := func(ago time.Duration, live int64) Sample { return Sample{At: now.Add(-ago), Live: live} }
	for name, c := range map[string]struct {
		samples     []Sample
		lines, dots int
		top         string
		says        string
	}{
		"none":          {nil, 0, 0, "1", "Nothing was measured"},
		"one":           {[]Sample{sample(time.Hour, 7)}, 0, 1, "8", "Last 7 live"},
		"zero":          {[]Sample{sample(time.Hour, 0), sample(55*time.Minute, 0)}, 1, 0, "1", "highest 0"},
		"a line":        {[]Sample{sample(time.Hour, 1), sample(55*time.Minute, 990)}, 1, 0, "1,000", "highest 990"},
		"a gap":         {[]Sample{sample(3*time.Hour, 1), sample(175*time.Minute, 2), sample(time.Hour, 3), sample(55*time.Minute, 4)}, 2, 0, "4", "Last 4"},
		"gap and dot":   {[]Sample{sample(3*time.Hour, 20_000_000), sample(time.Hour, 3), sample(55*time.Minute, 4)}, 1, 1, "20M", "Last 4"},
		"older, future": {[]Sample{sample(25*time.Hour, 5000), sample(-time.Hour, 5000), sample(0, 3)}, 0, 1, "3", "highest 3"},
	} {
		p := newPlot(c.samples, now, day)
		if len(p.Lines) != c.lines || len(p.Areas) != c.lines || len(p.Dots) != c.dots || p.Empty != (len(c.samples) == 0) {
			t.Errorf("%s: %d lines, %d areas, %d dots", name, len(p.Lines), len(p.Areas), len(p.Dots))
		}
		if got := p.Y[len(p.Y)-1].Label; got != c.top || !strings.Contains(p.Summary, c.says) {
			t.Errorf("%s: axis to %s, want %s; %q", name, got, c.top, p.Summary)
		}
	}
	p := newPlot([]Sample{sample(24*time.Hour, 10), sample(0, 10)}, now, day)
	if first, last := p.Points[0], p.Points[1]; first.X != p.Left || last.X != p.Right {
		t.Errorf("from %v to %v, want %v to %v", first.X, last.X, p.Left, p.Right)
	}
	var labels []string
	for _, tick := range p.X {
		labels = append(labels, tick.Label)
	}
	if diff := gocmp.Diff([]string{"16:00", "20:00", "00:00", "04:00", "08:00", "12:00"}, labels); diff != "" {
		t.Error(diff)
	}
}

func TestPlotStaysInsideItsFrame(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 5, 1, 12, 3, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(plotRanges).Draw(t, "range")
		var samples []Sample
		for range rapid.IntRange(0, 50).Draw(t, "n") {
			ago := time.Duration(rapid.Int64Range(0, int64(2*r.Span)).Draw(t, "ago"))
			samples = append(samples, Sample{At: now.Add(-ago), Live: rapid.Int64Range(0, 1<<53).Draw(t, "live")})
		}
		slices.SortFunc(samples, func(a, b Sample) int { return cmp.Compare(a.At.Unix(), b.At.Unix()) })
		p := newPlot(samples, now, r)
		if len(p.Y) < 2 || len(p.Y) > 8 {
			t.Fatalf("%d labels on the axis", len(p.Y))
		}
		for _, point := range p.Points {
			if point.X < p.Left || point.X > p.Right || point.Y < p.Top-.01 || point.Y > p.Baseline {
				t.Fatalf("%v is outside", point)
			}
		}
	})
}
