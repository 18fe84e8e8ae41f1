package cloakroom

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
)

// errLate is what becomes of a change that would need a cookie when the
// response's header has left.
var errLate = errors.New("the response had begun: a new session, key or expiry needs a cookie, so set it before the first byte")

var errHijack = errors.New("a new session, key or expiry needs a cookie, which a hijacked connection cannot carry: set it in an earlier response")

// Handler returns next with sessions: it gives each request one, opened when
// [Manager.Open] is first called, and saves it before the first byte of the
// response leaves. What is changed after that is saved when next returns if the
// cookie can stay as it is, and is otherwise logged as an error. A response of
// 500 or above, or a panic, saves nothing but a Flush.
//
// When the session cannot be saved, the error handler answers in place of next,
// and the cookie stays as it is.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(visitKey{m}) != nil {
			next.ServeHTTP(w, r)
			return
		}
		v := &visit{ResponseWriter: w, manager: m}
		v.request = r.WithContext(context.WithValue(r.Context(), visitKey{m}, v))
		done := false
		defer func() {
			if !done {
				v.abandon()
			}
		}()
		next.ServeHTTP(v, v.request)
		done = true
		v.finish()
	})
}

// Open returns the session of the request that r is or was made from. The first
// call asks the back end, later ones return the same session. A visitor without
// a session gets a new one, which is stored once something is set in it. When
// the back end cannot be asked the error is [ErrUnavailable], and the handler
// decides: most answer [HTTPStatus].
func (m *Manager) Open(r *http.Request) (*Session, error) {
	v, ok := r.Context().Value(visitKey{m}).(*visit)
	if !ok {
		return nil, &Error{Engine: "session", Op: "open", Kind: ErrConfig, Reason: "the request did not come through the Manager's Handler", Mend: "wrap the handler in Manager.Handler"}
	}
	return v.open(r.Context())
}

// visitKey finds a Manager's visit in a request's context; with the Manager in
// it, a request may have sessions of several.
type visitKey struct{ *Manager }

// visit is one request and its response.
type visit struct {
	http.ResponseWriter
	manager *Manager
	request *http.Request

	opening sync.Mutex
	asked   bool     // for its session
	session *Session // once opened
	err     error    // if that failed
	brought string   // the key in the request's cookie

	begun  bool  // the header has left
	broken bool  // with a status of 500 or above
	failed error // the session could not be saved: the error handler has answered
}

func (v *visit) open(ctx context.Context) (*Session, error) {
	v.opening.Lock()
	defer v.opening.Unlock()
	v.asked = true
	if v.session != nil || v.err != nil {
		return v.session, v.err
	}
	v.brought = v.manager.cookie.value(v.request)
	if v.brought == "" && v.manager.misconfigured == nil {
		v.session = &Session{}
		return v.session, nil
	}
	s, err := v.manager.Load(ctx, v.brought)
	switch {
	case errors.Is(err, ErrCorrupt):
		v.session = &Session{unreadable: v.brought}
	case errors.Is(err, ErrNotFound):
		v.session = &Session{}
		v.manager.unknown(ctx, v.brought)
	case err != nil && ctx.Err() != nil:
		return nil, err // another Open of this request may have more time
	default:
		v.session, v.err = s, err
	}
	return v.session, v.err
}

// opened returns the session if the handler opened it, and whether it asked for
// one, if in vain.
func (v *visit) opened() (s *Session, asked bool) {
	v.opening.Lock()
	defer v.opening.Unlock()
	return v.session, v.asked
}

// begin saves the session and sends its cookie, once, before the header leaves.
func (v *visit) begin(status int) {
	v.begun, v.broken = true, status >= http.StatusInternalServerError
	s, asked := v.opened()
	if h := v.Header(); asked && !slices.Contains(h.Values("Vary"), "Cookie") {
		h.Add("Vary", "Cookie")
	}
	if s == nil {
		return
	}
	if err := v.manager.save(v.lasting(), s, v.broken); err != nil {
		v.fail(err)
		return
	}
	v.sendCookie(s)
}

func (v *visit) sendCookie(s *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, key := v.manager, s.key()
	switch {
	case key == "" && s.flushed && v.brought != "":
		m.cookie.set(v, v.request, "", -1)
	case key == "":
	default:
		age := m.cookieAge(s.data())
		if key != v.brought || s.moved {
			m.cookie.set(v, v.request, key, age)
			v.brought = key
		}
	}
}

// fail has the error handler answer in place of the handler, whose own answer
// is taken back.
func (v *visit) fail(err error) {
	v.failed = err
	if !errors.Is(err, ErrGone) {
		v.manager.log.ErrorContext(v.request.Context(), "a session could not be saved", "error", err)
	}
	h := v.Header()
	for _, name := range []string{
		"Accept-Ranges", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
		"Content-Range", "Content-Type", "Etag", "Expires", "Last-Modified", "Location", "Refresh", "Trailer",
		"X-Accel-Redirect", "X-Sendfile",
	} {
		h.Del(name)
	}
	dropTargeted(h)
	h.Set("Cache-Control", "no-store")
	v.manager.onError(v.ResponseWriter, v.request, err)
}

// finish ends a request whose handler returned.
func (v *visit) finish() {
	if !v.begun {
		v.begin(http.StatusOK)
		return
	}
	s, _ := v.opened()
	if s == nil || v.failed != nil {
		return
	}
	if s.isChanged() || v.needsCookie(s) { // that it was used was noted when the response began
		if err := v.saveLate(); err != nil {
			v.manager.log.ErrorContext(v.request.Context(), "a late change to a session was lost", "error", err)
		}
	}
}

// abandon ends a request whose handler panicked: a flush stands, for it is
// safer to be logged out than not.
func (v *visit) abandon() {
	s, _ := v.opened()
	if s == nil || v.failed != nil {
		return
	}
	if err := v.manager.save(v.lasting(), s, true); err != nil {
		v.manager.log.ErrorContext(v.request.Context(), "a session could not be flushed", "error", err)
	}
}

// saveLate saves what was changed when no cookie can be sent any more.
func (v *visit) saveLate() error {
	s, _ := v.opened()
	if s == nil {
		return nil
	}
	var late error
	flushOnly := v.broken
	if !v.broken && v.needsCookie(s) {
		flushOnly, late = true, errLate
	}
	return errors.Join(late, v.manager.save(v.lasting(), s, flushOnly))
}

// needsCookie reports whether the browser would have to learn something: also
// of a key that the handler's own Save made.
func (v *visit) needsCookie(s *Session) bool {
	key := s.Key()
	return s.needsCookie(v.manager.cookie.carries) || key != "" && key != v.brought
}

// lasting is the request's context for saving: a visitor who did not wait for
// the answer loses nothing.
func (v *visit) lasting() context.Context { return context.WithoutCancel(v.request.Context()) }

// WriteHeader saves the session first.
func (v *visit) WriteHeader(status int) {
	informational := status < http.StatusOK && status != http.StatusSwitchingProtocols
	if !v.begun && !informational {
		v.begin(status)
	}
	if v.failed == nil {
		v.ResponseWriter.WriteHeader(status)
	}
}

// Write saves the session first.
func (v *visit) Write(p []byte) (int, error) {
	if !v.begun {
		v.begin(http.StatusOK)
	}
	if v.failed != nil {
		return 0, v.failed
	}
	return v.ResponseWriter.Write(p)
}

// ReadFrom lets files go out by sendfile. A source that ends or fails before its
// first byte begins nothing, as in net/http: an error may be answered yet.
func (v *visit) ReadFrom(src io.Reader) (n int64, err error) {
	if !v.begun {
		const some = 512
		n, err = io.CopyN(struct{ io.Writer }{v}, src, some)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
	}
	if v.failed != nil {
		return n, v.failed
	}
	if err != nil {
		return n, err
	}
	rest, err := io.Copy(v.ResponseWriter, src)
	return n + rest, err
}

// FlushError serves [http.ResponseController].
func (v *visit) FlushError() error {
	if !v.begun {
		v.begin(http.StatusOK)
	}
	if v.failed != nil {
		return v.failed
	}
	return http.NewResponseController(v.ResponseWriter).Flush()
}

// Flush serves code that asks for an [http.Flusher].
func (v *visit) Flush() { _ = v.FlushError() }

// Hijack hands the connection over. No cookie can be sent on it by us, so what
// needs one is an error here. So is a connection that cannot be had, as by HTTP/2:
// the session is as it was, and an answer may be given yet.
func (v *visit) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if v.failed != nil {
		return nil, nil, v.failed
	}
	if !isHijacker(v.ResponseWriter) {
		return nil, nil, http.ErrNotSupported
	}
	if !v.begun {
		if s, _ := v.opened(); s != nil && v.needsCookie(s) {
			return nil, nil, errHijack
		}
		if err := v.saveLate(); err != nil {
			return nil, nil, err
		}
	}
	conn, rw, err := http.NewResponseController(v.ResponseWriter).Hijack()
	v.begun = v.begun || err == nil
	return conn, rw, err
}

// isHijacker looks where an [http.ResponseController] does.
func isHijacker(w http.ResponseWriter) bool {
	if _, ok := w.(http.Hijacker); ok {
		return true
	}
	wrapped, ok := w.(interface{ Unwrap() http.ResponseWriter })
	return ok && isHijacker(wrapped.Unwrap())
}

// Unwrap serves [http.ResponseController]: deadlines and full duplex.
func (v *visit) Unwrap() http.ResponseWriter { return v.ResponseWriter }
