package integrity

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// signedIn is the name that a session has whose visitor is.
const signedIn = "user"

// session is what a page does with a session, whichever library's.
type session interface {
	Get(name string) int // 0 when there is none
	Set(name string, n int)
	Flush()
	Save() error // where the library does not save by itself
}

// pages are those of every site; site.py has the same.
func pages(open func(w http.ResponseWriter, r *http.Request) (session, error)) http.Handler {
	mux := http.NewServeMux()
	page := func(path string, do func(s session, r *http.Request) (int, error)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s, err := open(w, r)
			n := 0
			if err == nil {
				n, err = do(s, r)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprint(w, n)
		})
	}
	page("/login", func(s session, _ *http.Request) (int, error) {
		s.Set(signedIn, 1)
		return 1, s.Save()
	})
	page("/read", func(s session, r *http.Request) (int, error) {
		return s.Get(r.FormValue("name")), nil
	})
	page("/add", func(s session, r *http.Request) (int, error) {
		if s.Get(signedIn) == 0 {
			return 0, nil
		}
		if took, err := time.ParseDuration(r.FormValue("hold")); err == nil {
			time.Sleep(took)
		}
		name := r.FormValue("name")
		n := s.Get(name) + 1
		s.Set(name, n)
		return n, s.Save()
	})
	page("/logout", func(s session, _ *http.Request) (int, error) {
		s.Flush()
		return 0, s.Save()
	})
	return mux
}

func serve(t *testing.T, site http.Handler) (url string) {
	t.Helper()
	s := httptest.NewServer(site)
	t.Cleanup(s.Close)
	return s.URL
}
