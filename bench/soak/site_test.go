package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/bench/ours"
	"github.com/cloakroom-go/cloakroom/site"
)

// serve is the site. It says where it listens, and ends with its input.
func serve(ctx context.Context, engine, cache string) error {
	opened, err := ours.Open(ctx, engine, cache)
	if err != nil {
		return err
	}
	defer opened.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newPages(opened), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		server.Close()
	}()
	fmt.Printf("http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// pages are the site's.
type pages struct {
	*cloakroom.Manager
	inFlight atomic.Int64
}

func newPages(s *site.Site) http.Handler {
	quiet := cloakroom.WithLogger(slog.New(slog.DiscardHandler)) // the visitors are told as well
	p := &pages{Manager: s.Manager(quiet)}
	mux := http.NewServeMux()
	mux.HandleFunc("/in", p.page(func(s *cloakroom.Session) { signIn(s) }))
	mux.HandleFunc("/read", p.page(func(*cloakroom.Session) {}))
	mux.HandleFunc("/save", p.page(func(s *cloakroom.Session) { cloakroom.Update(s, "n", func(n int) int { return n + 1 }) }))
	mux.HandleFunc("/renew", p.page(func(s *cloakroom.Session) { s.CycleKey() }))
	mux.HandleFunc("/out", p.page(func(s *cloakroom.Session) { s.Flush() }))
	all := http.NewServeMux()
	all.Handle("/", p.Handler(mux))
	all.HandleFunc("/state", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(p.state()) })
	all.HandleFunc("/live", func(w http.ResponseWriter, r *http.Request) { answerLive(w, r, s.Engine) })
	return all
}

const anonymous = "anonymous"

// page is one that takes as long as its visitor says, between the load and the
// save. It answers with the number that the session holds.
func (p *pages) page(do func(*cloakroom.Session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p.inFlight.Add(1)
		defer p.inFlight.Add(-1)
		s, err := p.Open(r)
		if err != nil {
			http.Error(w, cloakroom.Reason(err), cloakroom.HTTPStatus(err))
			return
		}
		if takes, err := time.ParseDuration(r.URL.RawQuery); err == nil {
			time.Sleep(takes)
		}
		n, signedIn := cloakroom.Get[int](s, "n")
		if !signedIn && r.URL.Path != "/in" {
			_, _ = io.WriteString(w, anonymous)
			return
		}
		do(s)
		fmt.Fprint(w, n)
	}
}

// answerLive counts the sessions, -1 where nobody can.
func answerLive(w http.ResponseWriter, r *http.Request, e cloakroom.Engine) {
	live := int64(-1)
	if m, ok := cloakroom.As[cloakroom.Measurer](e); ok {
		stats, err := m.Stats(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		live = stats.Live
	}
	_ = json.NewEncoder(w).Encode(live)
}

// process is the site as its visitors have it.
type process struct{ url string }

// startSite starts the site, which ends with the test.
func startSite(t *testing.T, b backEnd) process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "ROLE=site", "ENGINE="+b.engine, "CACHE="+b.cache)
	cmd.Stderr = os.Stderr
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("the site does not start")
	}
	return process{strings.TrimSpace(url)}
}

func (p process) ask(t *testing.T) (s state) {
	t.Helper()
	p.get(t, "/state", &s)
	return s
}

func (p process) live(t *testing.T) (n int64) {
	t.Helper()
	p.get(t, "/live", &n)
	return n
}

// rest is the state once it stays as it is: connections end one by one.
func (p process) rest(t *testing.T) (s state) {
	t.Helper()
	for range 20 {
		was := s
		if s = p.ask(t); s.Goroutines == was.Goroutines && s.Files == was.Files {
			break
		}
		time.Sleep(time.Second)
	}
	return s
}

func (p process) get(t *testing.T, path string, answer any) {
	t.Helper()
	response, err := http.Get(p.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		t.Fatal(err)
	}
}
