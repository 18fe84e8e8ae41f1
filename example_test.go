package cloakroom_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
)

func Example() {
	sessions := cloakroom.New(locmem.Open())

	handler := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Open(r) // the one place that talks to the back end
		if err != nil {
			http.Error(w, cloakroom.Reason(err), cloakroom.HTTPStatus(err))
			return
		}
		n, _ := cloakroom.Get[int](s, "n")
		s.Set("n", n+1) // saved before the first byte of the response leaves
		fmt.Fprintln(w, "visit", n+1)
	}))

	request := httptest.NewRequest("GET", "/", nil)
	for range 2 {
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		fmt.Print(response.Body)
		for _, cookie := range response.Result().Cookies() {
			request.AddCookie(cookie)
		}
	}
	// Output:
	// visit 1
	// visit 2
}

// Logging in: a new key, so that one that somebody planted before is worth
// nothing, and an expiry of the session's own.
func ExampleSession_CycleKey() {
	login := func(s *cloakroom.Session, user string, remember bool) {
		s.CycleKey()
		s.Set("user", user)
		if remember {
			s.SetExpiry(cloakroom.ExpireAfter(30 * 24 * time.Hour))
		} else {
			s.SetExpiry(cloakroom.ExpireAtBrowserClose())
		}
	}
	s := &cloakroom.Session{}
	login(s, "zoe", false)
	fmt.Println(s.Keys(), s.Expiry().AtBrowserClose())
	// Output: [_session_expiry user] true
}

// Two requests of one visitor at the same moment: both counts arrive.
func ExampleUpdate() {
	ctx := context.Background()
	sessions := cloakroom.New(locmem.Open())
	begun := &cloakroom.Session{}
	begun.Set("n", 0)
	sessions.Save(ctx, begun)

	one, _ := sessions.Load(ctx, begun.Key())
	two, _ := sessions.Load(ctx, begun.Key())
	for _, s := range []*cloakroom.Session{one, two} {
		cloakroom.Update(s, "n", func(n int) int { return n + 1 })
		sessions.Save(ctx, s)
	}

	s, _ := sessions.Load(ctx, begun.Key())
	n, _ := cloakroom.Get[int](s, "n")
	fmt.Println(n)
	// Output: 2
}

// A request that was under way while the visitor logged out does not bring the
// session back.
func ExampleManager_Save() {
	ctx := context.Background()
	sessions := cloakroom.New(locmem.Open())
	begun := &cloakroom.Session{}
	begun.Set("user", "zoe")
	sessions.Save(ctx, begun)

	underWay, _ := sessions.Load(ctx, begun.Key())
	begun.Flush()
	sessions.Save(ctx, begun)

	underWay.Set("last page", "/overview")
	err := sessions.Save(ctx, underWay)
	fmt.Println(errors.Is(err, cloakroom.ErrGone))
	// Output: true
}

// An audit log: who signed in and out, by a name for the session that opens
// nothing.
func ExampleWithEvents() {
	audit := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "session" || a.Key == "former" {
			return slog.Attr{} // another one each time
		}
		return a
	}}))
	sessions := cloakroom.New(locmem.Open(), cloakroom.WithEvents("_auth_user_id", func(ctx context.Context, e cloakroom.Event) {
		if e.Kind != cloakroom.EventMerged { // an everyday thing
			audit.InfoContext(ctx, "session", "event", e)
		}
	}))

	ctx := context.Background()
	s := &cloakroom.Session{}
	s.Set("language", "nl")
	sessions.Save(ctx, s)
	s.CycleKey()
	s.Set("_auth_user_id", "7")
	sessions.Save(ctx, s)
	s.Flush()
	sessions.Save(ctx, s)
	// Output:
	// level=INFO msg=session event.kind=created event.engine=cache
	// level=INFO msg=session event.kind=renewed event.user=7 event.engine=cache
	// level=INFO msg=session event.kind=flushed event.user=7 event.engine=cache
}

func ExampleGet() {
	type cart struct {
		Items []string `json:"items"`
	}
	s := &cloakroom.Session{}
	s.Set("cart", cart{Items: []string{"coat", "hat"}})

	c, ok := cloakroom.Get[cart](s, "cart")
	fmt.Println(c.Items, ok)
	_, ok = cloakroom.Get[int](s, "cart")
	fmt.Println(ok)
	// Output:
	// [coat hat] true
	// false
}

func ExampleSession_AddMessage() {
	s := &cloakroom.Session{}
	s.AddMessage(cloakroom.LevelSuccess, "Your coat is on hook 7.")
	for _, m := range s.Messages() {
		fmt.Println(m.Level, m.Text)
	}
	fmt.Println(len(s.Messages()))
	// Output:
	// success Your coat is on hook 7.
	// 0
}
