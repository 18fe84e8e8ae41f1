package cloakroom_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
)

type cart struct {
	Items []string       `json:"items"`
	Price map[string]int `json:"price"`
}

// Whatever Go value goes in comes out again as the same type, from the session
// it was set in and from the one that is loaded later.
func TestGetReturnsWhatWasSet(t *testing.T) {
	t.Parallel()
	huge, _ := new(big.Int).SetString("12345678901234567890123456789", 10)
	when := time.Date(2031, 1, 2, 3, 4, 5, 678901000, time.UTC)
	type level int8

	check := func(set func(*cloakroom.Session), get func(*cloakroom.Session) (any, bool), want any) {
		t.Helper()
		sessions := cloakroom.New(locmem.Open())
		s := &cloakroom.Session{}
		set(s)
		for _, where := range []string{"fresh", "stored"} {
			got, ok := get(s)
			if !ok {
				t.Errorf("%s: %T is missing", where, want)
			}
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" {
				t.Errorf("%s: %s", where, diff)
			}
			if err := sessions.Save(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			var err error
			if s, err = sessions.Load(t.Context(), s.Key()); err != nil {
				t.Fatal(err)
			}
		}
	}
	roundTrip(check, 41)
	roundTrip(check, int64(-1)<<63)
	roundTrip(check, uint64(1)<<63)
	roundTrip(check, uint8(200))
	roundTrip(check, level(3))
	roundTrip(check, huge)
	roundTrip(check, 3.25)
	roundTrip(check, float32(0.5))
	roundTrip(check, true)
	roundTrip(check, "Zoë 🧥 \x00 衣帽间")
	roundTrip(check, []byte{0, 255, 1})
	roundTrip(check, when)
	roundTrip(check, time.Minute)
	roundTrip(check, []string{"a", "b"})
	roundTrip(check, []int{1, 2})
	roundTrip(check, map[string]int{"a": 1})
	roundTrip(check, map[string]any{"a": []any{int64(1), nil, "x"}})
	roundTrip(check, cart{Items: []string{"coat"}, Price: map[string]int{"coat": 3}})
	roundTrip(check, &cart{Items: []string{"hat"}})
	roundTrip(check, json.RawMessage(`{"a":1}`))
	roundTrip[any](check, "anything")
}

func roundTrip[T any](check func(func(*cloakroom.Session), func(*cloakroom.Session) (any, bool), any), v T) {
	check(
		func(s *cloakroom.Session) { s.Set("v", v) },
		func(s *cloakroom.Session) (any, bool) { return cloakroom.Get[T](s, "v") },
		v,
	)
}

func TestGetRefusesAnotherType(t *testing.T) {
	t.Parallel()
	s := &cloakroom.Session{}
	s.Set("text", "x")
	s.Set("half", 0.5)
	s.Set("none", nil)
	s.Set("big", int64(1)<<40)
	s.Set("bytes", []byte("x"))

	if n, ok := cloakroom.Get[int](s, "text"); ok || n != 0 {
		t.Errorf("a text as int: %v, %v", n, ok)
	}
	if n, ok := cloakroom.Get[int](s, "half"); ok || n != 0 {
		t.Errorf("0.5 as int: %v, %v", n, ok)
	}
	if v, ok := cloakroom.Get[string](s, "none"); ok || v != "" {
		t.Errorf("None as string: %q, %v", v, ok)
	}
	if v, ok := cloakroom.Get[*cart](s, "none"); !ok || v != nil {
		t.Errorf("None as pointer: %v, %v", v, ok)
	}
	if v, ok := cloakroom.Get[string](s, "bytes"); ok || v != "" {
		t.Errorf("bytes as string: %q, %v", v, ok)
	}
	if n, ok := cloakroom.Get[int8](s, "big"); ok || n != 0 {
		t.Errorf("2^40 as int8: %v, %v", n, ok)
	}
	if n, ok := cloakroom.Get[int](s, "missing"); ok || n != 0 {
		t.Errorf("missing: %v, %v", n, ok)
	}
}

// Neither what was set nor what was got can be used to reach into a session:
// stored data is shared between requests.
func TestValuesAreNotShared(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	given := map[string]any{"list": []any{"a"}}
	s := &cloakroom.Session{}
	s.Set("v", given)
	given["list"].([]any)[0] = "changed"
	if err := sessions.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		loaded, err := sessions.Load(t.Context(), s.Key())
		if err != nil {
			t.Fatal(err)
		}
		got, _ := cloakroom.Get[map[string]any](loaded, "v")
		if diff := cmp.Diff(map[string]any{"list": []any{"a"}}, got); diff != "" {
			t.Fatal(diff)
		}
		got["list"].([]any)[0] = "changed"
		delete(got, "list")
	}
}

func TestUnencodableValueFailsTheSaveByName(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	loop := map[string]any{}
	loop["self"] = loop
	for name, v := range map[string]any{"channel": make(chan int), "loop": loop, "func": func() {}} {
		s := &cloakroom.Session{}
		s.Set("fine", 1)
		s.Set(name, v)
		err := sessions.Save(t.Context(), s)
		if !errors.Is(err, cloakroom.ErrUnencodable) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want ErrUnencodable that names it", name, err)
		}
		if s.Key() != "" {
			t.Errorf("%s: the session was stored all the same", name)
		}
		s.Set(name, "now it is text")
		if err := sessions.Save(t.Context(), s); err != nil {
			t.Errorf("%s, mended: %v", name, err)
		}
	}
}

func TestPopDeleteHasKeys(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	s := stored(t, sessions, map[string]any{"a": 1, "b": 2, "c": 3})
	if v, ok := cloakroom.Pop[int](s, "a"); !ok || v != 1 {
		t.Errorf("Pop: %v, %v", v, ok)
	}
	if _, ok := cloakroom.Pop[int](s, "a"); ok {
		t.Error("popped twice")
	}
	s.Delete("b")
	s.Delete("never there")
	s.Set("d", 4)
	if diff := cmp.Diff([]string{"c", "d"}, s.Keys()); diff != "" {
		t.Error(diff)
	}
	if s.Has("a") || s.Has("b") || !s.Has("c") || !s.Has("d") {
		t.Error("Has disagrees with Keys")
	}
	if err := sessions.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	again, err := sessions.Load(t.Context(), s.Key())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"c", "d"}, again.Keys()); diff != "" {
		t.Error(diff)
	}
}

func TestConcurrentRequestsMerge(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	key := stored(t, sessions, map[string]any{"base": true, "doomed": 1, "n": 10}).Key()
	open := func() *cloakroom.Session {
		s, err := sessions.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b, c := open(), open(), open()
	a.Set("a", 1)
	a.Set("same", "a")
	cloakroom.Update(a, "n", func(n int) int { return n + 1 })
	b.Set("b", 2)
	b.Set("same", "b")
	b.Delete("doomed")
	cloakroom.Update(b, "n", func(n int) int { return n + 1 })
	cloakroom.Update(b, "n", func(n int) int { return n * 2 })
	c.AddMessage(cloakroom.LevelInfo, "from c")
	a.AddMessage(cloakroom.LevelInfo, "from a")
	for _, s := range []*cloakroom.Session{a, b, c} {
		if err := sessions.Save(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	s := open()
	if diff := cmp.Diff([]string{"_messages", "a", "b", "base", "n", "same"}, s.Keys()); diff != "" {
		t.Error(diff)
	}
	if v, _ := cloakroom.Get[string](s, "same"); v != "b" {
		t.Errorf("for the same name the last one wins, but it is %q", v)
	}
	if n, _ := cloakroom.Get[int](s, "n"); n != 24 {
		t.Errorf("n is %d, want (10+1+1)*2", n)
	}
	if got := len(s.Messages()); got != 2 {
		t.Errorf("%d messages, want both", got)
	}
}

// An Update that follows a Set in the same request builds on what was set.
func TestUpdateAfterSetAndDelete(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	key := stored(t, sessions, map[string]any{"n": 1, "m": 1}).Key()
	s, _ := sessions.Load(t.Context(), key)
	rival, _ := sessions.Load(t.Context(), key)
	rival.Set("n", 100)
	rival.Set("m", 100)
	s.Set("n", 5)
	cloakroom.Update(s, "n", func(n int) int { return n + 1 })
	s.Delete("m")
	cloakroom.Update(s, "m", func(n int) int { return n + 1 })
	for _, s := range []*cloakroom.Session{rival, s} {
		if err := sessions.Save(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	s, _ = sessions.Load(t.Context(), key)
	n, _ := cloakroom.Get[int](s, "n")
	m, _ := cloakroom.Get[int](s, "m")
	if n != 6 || m != 1 {
		t.Errorf("n, m = %d, %d, want 6, 1", n, m)
	}
}

func TestFlushWinsOverASaveUnderWay(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	key := stored(t, sessions, map[string]any{"user": "zoe"}).Key()
	late, _ := sessions.Load(t.Context(), key)
	out, _ := sessions.Load(t.Context(), key)

	out.Flush()
	if out.Has("user") || out.Key() != "" {
		t.Error("data or key are still there after Flush")
	}
	if err := sessions.Save(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	late.Set("seen", true)
	if err := sessions.Save(t.Context(), late); !errors.Is(err, cloakroom.ErrGone) {
		t.Errorf("saving after the flush: %v, want ErrGone", err)
	}
	if _, err := sessions.Load(t.Context(), key); !errors.Is(err, cloakroom.ErrNotFound) {
		t.Errorf("the session is back: %v", err)
	}

	out.Set("next", "visitor")
	if err := sessions.Save(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if out.Key() == key || out.Key() == "" {
		t.Error("what is set after a Flush must begin another session")
	}
}

func TestCycleKey(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	key := stored(t, sessions, map[string]any{"cart": 1}).Key()
	s, _ := sessions.Load(t.Context(), key)
	meanwhile, _ := sessions.Load(t.Context(), key)
	after, _ := sessions.Load(t.Context(), key)

	s.Set("user", "zoe")
	s.CycleKey()
	meanwhile.Set("seen", 7)
	if err := sessions.Save(t.Context(), meanwhile); err != nil {
		t.Fatal(err)
	}
	if err := sessions.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if s.Key() == key {
		t.Fatal("the key is the old one")
	}
	if _, err := sessions.Load(t.Context(), key); !errors.Is(err, cloakroom.ErrNotFound) {
		t.Errorf("the old key still opens the session: %v", err)
	}
	after.Set("late", true)
	if err := sessions.Save(t.Context(), after); !errors.Is(err, cloakroom.ErrGone) {
		t.Errorf("a save under the old key: %v, want ErrGone", err)
	}
	again, err := sessions.Load(t.Context(), s.Key())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"cart", "seen", "user"}, again.Keys()); diff != "" {
		t.Error("what was saved while the key changed must be carried over:", diff)
	}
}

// A key that is cycled under load loses nothing that was acknowledged.
func TestCycleKeyUnderLoad(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	for range 100 {
		key := stored(t, sessions, map[string]any{"n": 0}).Key()
		acknowledged := make(chan int)
		for range 4 {
			go func() {
				n := 0
				for {
					s, err := sessions.Load(context.Background(), key)
					if err == nil {
						cloakroom.Update(s, "n", func(n int) int { return n + 1 })
						err = sessions.Save(context.Background(), s)
					}
					if err != nil {
						break
					}
					n++
				}
				acknowledged <- n
			}()
		}
		s, err := sessions.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		s.CycleKey()
		if err := sessions.Save(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		want := 0
		for range 4 {
			want += <-acknowledged
		}
		s, err = sessions.Load(t.Context(), s.Key())
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := cloakroom.Get[int](s, "n"); n != want {
			t.Fatalf("%d saves arrived, %d were acknowledged", n, want)
		}
	}
}

func TestSessionIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	s := stored(t, sessions, map[string]any{"n": 0})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				cloakroom.Update(s, "n", func(n int) int { return n + 1 })
				s.Keys()
				s.Expiry()
				if err := sessions.Save(context.Background(), s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	s, _ = sessions.Load(t.Context(), s.Key())
	if n, _ := cloakroom.Get[int](s, "n"); n != 800 {
		t.Errorf("n = %d, want 800", n)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	s := &cloakroom.Session{}
	// As Django's messages framework leaves it, and what is no message.
	s.Set("_messages", `[["__json_message",0,25,"Saved.",""],["__json_message",1,40,"<b>No</b>","big red"],["junk",1,2,3],["__json_message"],7]`)
	s.AddMessage(cloakroom.LevelWarning, "Zoë")
	want := []cloakroom.Message{
		{Level: cloakroom.LevelSuccess, Text: "Saved."},
		{Level: cloakroom.LevelError, Text: "<b>No</b>", Tags: "big red"},
		{Level: cloakroom.LevelWarning, Text: "Zoë"},
	}
	if diff := cmp.Diff(want, s.Messages()); diff != "" {
		t.Error(diff)
	}
	if got := s.Messages(); got != nil || s.Has("_messages") {
		t.Errorf("shown twice: %v", got)
	}
}

func TestNoMessagesIsNoChange(t *testing.T) {
	t.Parallel()
	engine := watch(locmem.Open())
	sessions := cloakroom.New(engine)
	s := stored(t, sessions, map[string]any{"a": 1, "_messages": "no list"})
	engine.calls()
	if got := s.Messages(); got != nil {
		t.Error(got)
	}
	if err := sessions.Save(t.Context(), s); err != nil || engine.calls() != "" {
		t.Error("a page that shows no messages must cost no save", err)
	}
}

// A message that was added while others were shown still waits, and those that
// were shown do not.
func TestMessagesAddedWhileOthersAreShown(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	key := stored(t, sessions, map[string]any{"_messages": `[["__json_message",1,20,"old",""]]`}).Key()
	shows, _ := sessions.Load(t.Context(), key)
	adds, _ := sessions.Load(t.Context(), key)
	if got := shows.Messages(); len(got) != 1 {
		t.Errorf("shown: %v", got)
	}
	adds.AddMessage(cloakroom.LevelError, "payment failed")
	if text, _ := cloakroom.Get[string](adds, "_messages"); !strings.Contains(text, `"__json_message",1,`) {
		t.Error("Django's mark for safe HTML is lost:", text)
	}
	for _, s := range []*cloakroom.Session{adds, shows} {
		if err := sessions.Save(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := sessions.Load(t.Context(), key)
	if diff := cmp.Diff([]cloakroom.Message{{Level: cloakroom.LevelError, Text: "payment failed"}}, s.Messages()); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateOfWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	s := &cloakroom.Session{}
	s.Set("n", make(chan int))
	cloakroom.Update(s, "n", func(n int) int { return n + 1 })
	if err := cloakroom.New(locmem.Open()).Save(t.Context(), s); !errors.Is(err, cloakroom.ErrUnencodable) {
		t.Error("what was set is lost in silence:", err)
	}
}

func TestDiscard(t *testing.T) {
	t.Parallel()
	s := stored(t, cloakroom.New(locmem.Open()), map[string]any{"a": 1})
	s.Set("b", 2)
	s.Delete("a")
	s.Discard()
	if diff := cmp.Diff([]string{"a"}, s.Keys()); diff != "" {
		t.Error(diff)
	}
}

// own is a value that an engine keeps in a form of its own.
type own struct{ plain any }

func (o own) Plain() any { return o.plain }

func TestValuesOfAnEngine(t *testing.T) {
	t.Parallel()
	sessions := cloakroom.New(locmem.Open())
	token := own{map[string]any{"user": "zoe"}}
	s := stored(t, sessions, map[string]any{"token": token, "n": own{int64(7)}})
	s.Set("other", 1)
	if err := sessions.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	record, err := sessions.Engine().Load(t.Context(), s.Key())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := record.Data["token"].(own); !ok {
		t.Errorf("what nobody set came back as %T", record.Data["token"])
	}
	if n, ok := cloakroom.Get[int](s, "n"); !ok || n != 7 {
		t.Errorf("n = %v, %v", n, ok)
	}
	if got, ok := cloakroom.Get[map[string]string](s, "token"); !ok || got["user"] != "zoe" {
		t.Errorf("token = %v, %v", got, ok)
	}
	if got, ok := cloakroom.Get[own](s, "n"); !ok || got.plain != int64(7) {
		t.Errorf("as itself: %v, %v", got, ok)
	}
	if got, ok := cloakroom.Get[cloakroom.Value](s, "n"); !ok || got == nil {
		t.Errorf("as a Value: %v, %v", got, ok)
	}
	if _, ok := cloakroom.Get[cloakroom.Value](s, "other"); ok {
		t.Error("1 is no Value")
	}
}

func TestTestCookie(t *testing.T) {
	t.Parallel()
	s := &cloakroom.Session{}
	if s.TestCookieWorked() {
		t.Error("worked before it was set")
	}
	s.SetTestCookie()
	if !s.TestCookieWorked() {
		t.Error("did not work")
	}
	s.DeleteTestCookie()
	if s.TestCookieWorked() || s.Has("testcookie") {
		t.Error("still there")
	}
}

// stored returns a session with data that is in the back end.
func stored(t *testing.T, sessions *cloakroom.Manager, data map[string]any) *cloakroom.Session {
	t.Helper()
	s := &cloakroom.Session{}
	for name, v := range data {
		s.Set(name, v)
	}
	if err := sessions.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}
