package browser

import (
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// site greets whoever gave a name, by a cookie.
func site(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if c, err := r.Cookie("name"); err == nil {
			fmt.Fprintf(w, `<p>Hello %s<p><a href="/?again">Again</a>`, c.Value)
			return
		}
		fmt.Fprint(w, `
			<style>
				p { color: #111111 }
				@media (prefers-color-scheme: dark) { p { color: #eeeeee } }
			</style>
			<p>Who are you?</p>
			<p id="scripts">no scripts</p><script>document.getElementById("scripts").textContent = "scripts"</script>
			<details><summary>More</summary>There is more</details>
			<form method="post"><label>Your name <input name="name"></label><button>Enter</button></form>`)
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "name", Value: r.FormValue("name")})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestTwoBrowsers(t *testing.T) {
	t.Parallel()
	url := site(t)
	for _, name := range []string{"Ada", "Grace"} {
		b := New(t)
		b.Visit(url)
		b.See("Who are you?")
		b.Press("More")
		b.See("There is more")
		b.Type("Your name", name)
		b.Follow("Enter")
		b.See("Hello " + name)
		b.Follow("Again")
		b.See("Hello " + name)
	}
}

func TestDisableScripts(t *testing.T) {
	t.Parallel()
	url := site(t)
	b := New(t)
	b.DisableScripts()
	b.Visit(url)
	b.See("no scripts")
	b.Type("Your name", "Ada")
	b.Follow("Enter")
	b.See("Hello Ada")
}

func TestEmulate(t *testing.T) {
	t.Parallel()
	url := site(t)
	b := New(t)
	for scheme, colour := range map[Scheme]string{Light: "rgb(17, 17, 17)", Dark: "rgb(238, 238, 238)"} {
		b.Emulate(scheme, 390, 844)
		b.Visit(url)
		shown, err := chromedp.Run(b.Context(),
			chromedp.Evaluate[string](`getComputedStyle(document.querySelector("p")).color`))
		if err != nil || shown != colour {
			t.Errorf("%s: the text is %q, want %q (%v)", scheme, shown, colour, err)
		}
	}

	file := filepath.Join(t.TempDir(), "page.png")
	b.Screenshot(file)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.DecodeConfig(f)
	if err != nil || picture.Width != 390 {
		t.Errorf("screenshot is %d wide, want 390 (%v)", picture.Width, err)
	}
}

func TestChromiumMissing(t *testing.T) {
	t.Parallel()
	_, _, err := start(chromedp.ExecPath("no-such-browser"))
	if err == nil || !strings.Contains(err.Error(), "apt-get install chromium") {
		t.Errorf("error is %v, want what to install", err)
	}
}
