package integrity

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/alexedwards/scs/v2"
	"github.com/gorilla/sessions"

	"github.com/cloakroom-go/cloakroom"
)

// ours.

type cloakroomSession struct{ *cloakroom.Session }

func onCloakroom(e cloakroom.Engine) http.Handler {
	m := cloakroom.New(e, cloakroom.WithLogger(slog.New(slog.DiscardHandler)))
	return m.Handler(pages(func(_ http.ResponseWriter, r *http.Request) (session, error) {
		s, err := m.Open(r)
		return cloakroomSession{s}, err
	}))
}

func (s cloakroomSession) Get(name string) int {
	n, _ := cloakroom.Get[int](s.Session, name)
	return n
}

func (s cloakroomSession) Set(name string, n int) { s.Session.Set(name, n) }

func (cloakroomSession) Save() error { return nil } // the middleware does

// alexedwards/scs.

type scsSession struct {
	*scs.SessionManager
	ctx context.Context
}

func onSCS(store scs.Store) http.Handler {
	m := scs.New()
	m.Store = store
	return m.LoadAndSave(pages(func(_ http.ResponseWriter, r *http.Request) (session, error) {
		return scsSession{m, r.Context()}, nil
	}))
}

func (s scsSession) Get(name string) int    { return s.GetInt(s.ctx, name) }
func (s scsSession) Set(name string, n int) { s.Put(s.ctx, name, n) }
func (s scsSession) Flush()                 { _ = s.Destroy(s.ctx) } // Save tells
func (s scsSession) Save() error            { return nil }           // the middleware does

// gorilla/sessions.

type gorillaSession struct {
	*sessions.Session
	w http.ResponseWriter
	r *http.Request
}

func onGorilla(store sessions.Store) http.Handler {
	return pages(func(w http.ResponseWriter, r *http.Request) (session, error) {
		s, err := store.Get(r, "session")
		return gorillaSession{s, w, r}, err
	})
}

func (s gorillaSession) Get(name string) int {
	n, _ := s.Values[name].(int)
	return n
}

func (s gorillaSession) Set(name string, n int) { s.Values[name] = n }
func (s gorillaSession) Flush()                 { s.Options.MaxAge = -1 }
func (s gorillaSession) Save() error            { return s.Session.Save(s.r, s.w) }
