package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Health checks are answered to anybody, and metrics only where they were asked
// for: they tell how busy a site is.
func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	served := make(chan int, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		served <- run(ctx, []string{"serve", "--json", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data", data}, nil, out, out)
	}()
	address := func(name string) string {
		line := regexp.MustCompile(`"` + name + `": "(http://[0-9.:]+)/`)
		for range 200 {
			text, _ := os.ReadFile(out.Name())
			if found := line.FindSubmatch(text); found != nil {
				return string(found[1])
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("no address of %s", name)
		return ""
	}
	dashboard, private := address("url"), address("metrics")
	get := func(url string) (int, string) {
		r, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie", url)
		}
		return r.StatusCode, string(body)
	}
	for _, url := range []string{dashboard, private} {
		for _, path := range []string{"/healthz", "/readyz"} {
			if code, body := get(url + path); code != 200 || body != "ok\n" {
				t.Errorf("%s: %d %q", path, code, body)
			}
		}
	}
	if code, _ := get(dashboard + "/metrics"); code != 404 {
		t.Errorf("the Dashboard answers /metrics with %d", code)
	}
	if code, body := get(private + "/metrics"); code != 200 || !strings.Contains(body, `cloakroom_operations_total{back_end="SQLite",engine="db",op="load",outcome="ok"}`) || !strings.Contains(body, "process_open_fds") {
		t.Errorf("%d %s", code, body)
	}
	stop()
	if code := <-served; code != exitDone {
		t.Errorf("exit code %d", code)
	}
	document, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "serve-metrics", data, string(document))
}
