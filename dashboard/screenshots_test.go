package dashboard_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/dashboard"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/internal/browser"
)

// TestPagesFitTheScreen shows every page in a real browser, wide and narrow,
// light and dark: none may be wider than the screen, or be refused a style or a
// script by its own policy. Set CLOAKROOM_SCREENSHOTS to a folder to keep the
// pictures.
func TestPagesFitTheScreen(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("CLOAKROOM_SCREENSHOTS")
	keep := folder != ""
	if keep {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	full, empty, away := openFull(t), open(t, nil), open(t, &troubled{Engine: locmem.Open()})
	b := browser.New(t)
	b.SetUserAgent("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15")
	screens := []struct {
		name   string
		scheme browser.Scheme
		width  int
		height int
	}{
		{"wide-light", browser.Light, 1280, 860},
		{"wide-dark", browser.Dark, 1280, 860},
		{"landscape-light", browser.Light, 1024, 768},
		{"portrait-light", browser.Light, 768, 1024},
		{"narrow-light", browser.Light, 390, 780},
		{"narrow-dark", browser.Dark, 390, 780},
	}
	shoot := func(page string) {
		t.Helper()
		for _, screen := range screens {
			b.Emulate(screen.scheme, screen.width, screen.height)
			if width := evaluate[int](t, b, `document.documentElement.scrollWidth`); width > screen.width {
				t.Errorf("%s, %s: %d pixels wide", page, screen.name, width)
			}
			if keep {
				b.Screenshot(filepath.Join(folder, page+"-"+screen.name+".png"))
			}
		}
		if !evaluate[bool](t, b, `document.styleSheets.length === 1 && document.styleSheets[0].cssRules.length > 50`) {
			t.Errorf("%s: the style did not load", page)
		}
	}
	visit := func(s *site, page, path string) {
		t.Helper()
		b.Visit(s.url + path)
		shoot(page)
	}
	try := func(s *site, name, password string) {
		t.Helper()
		b.Visit(s.url + "/signin")
		b.Type("Name", name)
		b.Type("Password", password)
		b.Press("Sign in")
	}
	signIn := func(s *site, name string) {
		t.Helper()
		try(s, name, password)
		b.See("This device")
	}

	b.Visit(strings.Replace(full.url, "127.0.0.1", "0.0.0.0", 1) + "/signin") // no secure context
	b.See("This page came over plain HTTP")
	shoot("signin-plain")
	visit(full, "signin", "/signin")
	b.Type("Name", "root")
	b.Type("Password", "not it")
	b.Press("Sign in")
	b.See("do not belong together")
	shoot("signin-wrong")

	signIn(full, "root")
	visit(full, "own", "/")
	visit(full, "all", "/sessions")
	b.Emulate(browser.Light, 1280, 860)
	if off := evaluate[float64](t, b, offCentre); off > 0.5 {
		t.Errorf("a device is %.2f pixels above or below its row's middle", off)
	}
	visit(full, "all-nothing", "/sessions?q=nobody-of-that-name")
	b.Visit(full.url + "/sessions?q=horizon&sort=user")
	b.Follow("horizon-operator")
	b.See("What it holds")
	shoot("one")
	b.Visit(full.url + "/storage")
	// A picture that tells nothing of the machine it was taken on.
	evaluate[string](t, b, `document.querySelector(".list div:nth-child(2) code").textContent = "/var/lib/cloakroom/cloakroom.sqlite3"`)
	shoot("storage")
	visit(full, "storage-30d", "/storage?range=30d")
	visit(full, "people", "/people")
	b.Type("Name", "katherine")
	b.Press("Add")
	b.See("One-time password for katherine")
	shoot("people-added")
	b.Press("Change dennis")
	b.See("Enable")
	shoot("people-menu")
	visit(full, "password", "/password")
	visit(full, "not-found", "/nothing")
	b.Visit(full.url + "/sessions")
	b.Press("Sign out everybody")
	b.See("What they kept in them is lost.")
	shoot("dialog")
	if !evaluate[bool](t, b, `document.querySelector("thead .tick input").type === "checkbox"`) {
		t.Error("the script did not load")
	}

	signIn(empty, "root")
	visit(empty, "own-empty", "/")
	visit(empty, "all-few", "/sessions")
	b.Emulate(browser.Light, 768, 1024)
	if height := evaluate[int](t, b, `document.querySelector("tbody .device").offsetHeight`); height > 45 { // two lines
		t.Errorf("a device takes %d pixels beside a short name", height)
	}
	visit(empty, "storage-empty", "/storage")

	_, oneTime, err := addOneTime(empty, "newcomer")
	if err != nil {
		t.Fatal(err)
	}
	b.Press("Sign out")
	b.See("You are signed out.")
	try(empty, "newcomer", oneTime)
	b.See("You signed in with a one-time password.")
	shoot("first-password")

	try(away, "ada", password)
	b.See("The session storage is in trouble")
	shoot("away")
	visit(away, "forbidden", "/storage")
	b.Press("Sign out")
	b.See("You are signed out.")
	guesser := away.visitor()
	for guesser.post("/signin", "name", "root", "password", "guess").StatusCode != http.StatusTooManyRequests {
	}
	try(away, "root", "guess")
	b.See("Too many attempts")
	shoot("throttled")

	signIn(empty, "root")
	b.DisableScripts() // the question is a page
	b.Visit(empty.url + "/sessions")
	b.Press("Sign out everybody")
	b.See("What they kept in them is lost.")
	shoot("sure")
}

// offCentre is how far, at most, a device's text is from the middle of the one
// beside it.
const offCentre = `Math.max(...[...document.querySelectorAll("tbody .device")].map((device) => {
	const middle = (node) => { const range = document.createRange(); range.selectNodeContents(node); const r = range.getBoundingClientRect(); return r.top + r.height / 2; };
	return Math.abs(middle(device.lastElementChild) - middle(device.parentElement.nextElementSibling));
}))`

func evaluate[T any](t *testing.T, b *browser.Browser, script string) T {
	t.Helper()
	value, err := chromedp.Run(b.Context(), chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// openFull starts a site as it may look after a while: thousands of sessions,
// long names, a month of history with a gap.
func openFull(t testing.TB) *site {
	t.Helper()
	ctx := t.Context()
	s := open(t, openDB(t))
	engine := s.engine
	random := rand.New(rand.NewPCG(1, 2))
	agents := []string{
		firefox,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
	}
	names := []string{"alan", "barbara.liskov", "dennis", "donald", "edsger", "frances", "horizon-operator", "margaret.hamilton", strings.Repeat("a-very-long-name-", 8) + "indeed"}
	for i, name := range names {
		s.add(name, i%4 == 1)
	}
	if err := s.accounts.SetActive(ctx, s.ids["dennis"], false); err != nil {
		t.Fatal(err)
	}
	names = append(names, "root", "ada", "grace")
	now := time.Now()
	for i := range 3_214 {
		data := map[string]any{"last_page": "/instances/", "theme": "dark"}
		if i%3 != 0 {
			name := names[random.IntN(len(names))]
			switch { // few of these, to find them again
			case i == 1:
				name = "horizon-operator"
			case name == "horizon-operator", name == "root" && i > 60:
				name = "ada"
			}
			signedIn := now.Add(-time.Duration(random.ExpFloat64() * float64(30*time.Hour)))
			data[auth.UserIDName] = s.ids[name]
			data[auth.BackendName] = auth.ModelBackend
			data[auth.HashName] = auth.SessionHash(secretKey, name)
			data["_cloakroom_device"] = map[string]any{
				"agent": agents[random.IntN(len(agents))], "address": fmt.Sprintf("192.0.2.%d", random.IntN(256)),
				"signed_in": signedIn.Unix(), "seen": signedIn.Add(now.Sub(signedIn) / 2).Unix(),
			}
			if name == "horizon-operator" {
				data["region_name"] = "RegionOne"
				data["token"] = map[string]any{"id": "gAAAAABn", "expires": now}
				data["services_region"] = []any{"RegionOne", "RegionTwo"}
				data["unscoped_token"] = "gAAAAABnQ2xv"
				data["preferences"] = map[string]any{"columns": []any{"name", "image", "address", "flavour", "status"}, "page_size": int64(20), "api_token": "hidden too"}
			}
		}
		if i%8 == 0 {
			data["basket"] = strings.Repeat("entry ", random.IntN(300))
		}
		record := &cloakroom.Record{Data: data, Expires: now.Add(14*24*time.Hour - time.Duration(random.IntN(14*24))*time.Hour)}
		if i%7 == 6 {
			record.Expires = now.Add(-time.Hour)
		}
		if err := engine.Create(ctx, record); err != nil {
			t.Fatal(err)
		}
	}
	fill(ctx, t, s, now)
	return s
}

// fill gives the site a month of history, with a night when nothing ran.
func fill(ctx context.Context, t testing.TB, s *site, now time.Time) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	for ago := 30 * 24 * time.Hour; ago >= 0; ago -= 10 * time.Minute {
		if ago > 9*time.Hour && ago < 11*time.Hour {
			continue
		}
		at := now.Add(-ago)
		hour := float64(at.Hour()) + float64(at.Minute())/60
		live := 1900 + 900*math.Sin((hour-9)/24*2*math.Pi) + 25*(30-ago.Hours()/24) + random.NormFloat64()*25
		if err := s.history.Add(ctx, dashboard.Sample{At: at, Live: int64(live), Bytes: int64(live) * 700}); err != nil {
			t.Fatal(err)
		}
	}
}
