package moving_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/engine/file"
	"github.com/cloakroom-go/cloakroom/engine/moving"
)

// sides are a source and a target, and sessions by name.
type sides struct {
	*testing.T
	to, from cloakroom.Engine
	keys     map[string]string
}

func newSides(t *testing.T) *sides {
	return &sides{t, locmem.Open(), locmem.Open(), map[string]string{}}
}

// login begins a session in the source.
func (s *sides) login(names ...string) {
	s.Helper()
	for _, name := range names {
		r := &cloakroom.Record{Data: map[string]any{"user": name}, Expires: time.Now().Add(time.Hour)}
		if err := s.from.Create(s.Context(), r); err != nil {
			s.Fatal(err)
		}
		s.keys[name] = r.Key
	}
}

// set saves a session on one side, as its users do.
func (s *sides) set(e cloakroom.Engine, name, value string) {
	s.Helper()
	r, err := e.Load(s.Context(), s.keys[name])
	if err != nil {
		s.Fatal(err)
	}
	data := map[string]any{"user": name, "value": value}
	err = e.Save(s.Context(), &cloakroom.Record{Key: r.Key, Data: data, Expires: r.Expires, Version: r.Version})
	if err != nil {
		s.Fatal(err)
	}
}

func (s *sides) logout(e cloakroom.Engine, name string) {
	s.Helper()
	if err := e.Delete(s.Context(), s.keys[name]); err != nil {
		s.Fatal(err)
	}
}

// has checks what the target has: a name, and a value after a colon.
func (s *sides) has(want ...string) {
	s.Helper()
	got := []string{}
	lister, _ := cloakroom.As[cloakroom.Lister](s.to)
	for r, err := range lister.List(s.Context()) {
		if err != nil {
			s.Fatal(err)
		}
		name, _ := r.Data["user"].(string)
		if s.keys[name] != r.Key {
			s.Errorf("%v has another key", r.Data)
		}
		if value, ok := r.Data["value"]; ok {
			name += ":" + value.(string)
		}
		got = append(got, name)
	}
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare), cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("the target (-want +got):\n%s", diff)
	}
}

func (s *sides) is(want moving.Report, got moving.Report, err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("the report (-want +got):\n%s", diff)
	}
}

func (s *sides) copier(o moving.Options) *moving.Copier {
	s.Helper()
	c, err := moving.NewCopier(s.to, s.from, o)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// What the target has counts, however often Copy is repeated.
func TestCopyAgain(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.login("ada", "ben", "cleo")
	report, err := moving.Copy(t.Context(), s.to, s.from, moving.Options{})
	s.is(moving.Report{Copied: 3}, report, err)
	s.has("ada", "ben", "cleo")

	s.set(s.to, "ada", "in the target")
	s.set(s.from, "ben", "in the source")
	s.login("dora")
	report, err = moving.Copy(t.Context(), s.to, s.from, moving.Options{})
	s.is(moving.Report{Copied: 1, Present: 1, Kept: 2}, report, err)
	s.has("ada:in the target", "ben", "cleo", "dora")
}

// A mirror is as the source.
func TestCopyMirrors(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.login("ada", "ben", "cleo")
	report, err := moving.Copy(t.Context(), s.to, s.from, moving.Options{})
	s.is(moving.Report{Copied: 3}, report, err)
	s.set(s.to, "ada", "in the target")
	s.set(s.from, "ben", "in the source")
	s.logout(s.from, "cleo")
	report, err = moving.Copy(t.Context(), s.to, s.from, moving.Options{Mirror: true})
	s.is(moving.Report{Updated: 2, Removed: 1}, report, err)
	s.has("ada", "ben:in the source")
	report, err = moving.Copy(t.Context(), s.to, s.from, moving.Options{Mirror: true})
	s.is(moving.Report{Present: 2}, report, err)
}

// Beside a moving engine nothing is left behind, and what that has moved counts.
func TestCopyMoves(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.login("ada", "ben", "cleo")
	report, err := moving.Copy(t.Context(), s.to, s.from, moving.Options{})
	s.is(moving.Report{Copied: 3}, report, err)
	s.set(s.to, "ada", "mine")
	s.login("dora")
	report, err = moving.Copy(t.Context(), s.to, s.from, moving.Options{Move: true})
	s.is(moving.Report{Copied: 1, Present: 2, Kept: 1}, report, err)
	s.has("ada:mine", "ben", "cleo", "dora")
	for range s.from.(cloakroom.Lister).List(t.Context()) {
		t.Error("something is left")
	}
}

// A Copier brings what changes in the source, and leaves alone what people do in
// the target once they use it.
func TestCopierFollows(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.login("same", "changed", "ended", "changed there", "ended there", "changed in both", "ended in one", "expiry")
	c := s.copier(moving.Options{})
	report, err := c.Pass(t.Context())
	s.is(moving.Report{Copied: 8}, report, err)

	s.set(s.from, "changed", "1")
	s.logout(s.from, "ended")
	s.login("new")
	s.set(s.to, "changed there", "mine")
	s.logout(s.to, "ended there")
	s.set(s.from, "changed in both", "theirs")
	s.set(s.to, "changed in both", "mine")
	s.set(s.to, "ended in one", "mine")
	s.logout(s.from, "ended in one")
	if err := s.from.Touch(t.Context(), s.keys["expiry"], time.Now().Add(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	report, err = c.Pass(t.Context())
	s.is(moving.Report{Copied: 1, Present: 3, Updated: 2, Removed: 1, Kept: 2}, report, err)
	want := []string{"same", "changed:1", "new", "changed there:mine", "changed in both:mine", "ended in one:mine", "expiry"}
	s.has(want...)
	if r, err := s.to.Load(t.Context(), s.keys["expiry"]); err != nil || time.Until(r.Expires) < 2*time.Hour {
		t.Errorf("the expiry did not follow: %v, %v", r, err)
	}

	s.set(s.from, "changed", "2")
	s.set(s.from, "ended there", "again") // by somebody who still uses the source
	report, err = c.Pass(t.Context())
	s.is(moving.Report{Present: 4, Updated: 1, Kept: 2}, report, err)
	s.has(append(want[:1:1], append([]string{"changed:2"}, want[2:]...)...)...)
}

// A copy that ran out in the target is made anew where its session lives on in the
// source, unless people in the target changed or ended it while it was one.
func TestCopierCopiesAnewWhatRanOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSides(t)
		s.login("prolonged", "ended there", "changed there", "ended since")
		c := s.copier(moving.Options{})
		report, err := c.Pass(t.Context())
		s.is(moving.Report{Copied: 4}, report, err)

		time.Sleep(30 * time.Minute)
		s.logout(s.to, "ended there")
		s.set(s.to, "changed there", "mine")
		s.set(s.from, "ended there", "theirs")
		s.set(s.from, "changed there", "theirs")
		report, err = c.Pass(t.Context())
		s.is(moving.Report{Present: 2, Kept: 2}, report, err)

		time.Sleep(29 * time.Minute)
		for name := range s.keys {
			if err := s.from.Touch(t.Context(), s.keys[name], time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		s.logout(s.from, "ended since")
		report, err = c.Pass(t.Context())
		s.is(moving.Report{Copied: 1, Kept: 2}, report, err)
		s.has("prolonged")
		report, err = c.Pass(t.Context())
		s.is(moving.Report{Present: 1, Kept: 2}, report, err)
		s.logout(s.from, "prolonged")
		report, err = c.Pass(t.Context())
		s.is(moving.Report{Removed: 1, Kept: 2}, report, err)
		s.has()
	})
}

// A Copier that was begun anew takes what is alike for its own.
func TestCopierGoesOn(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.login("ada", "ben", "cleo")
	report, err := moving.Copy(t.Context(), s.to, s.from, moving.Options{})
	s.is(moving.Report{Copied: 3}, report, err)
	s.set(s.to, "ada", "mine")
	c := s.copier(moving.Options{})
	report, err = c.Pass(t.Context())
	s.is(moving.Report{Present: 2, Kept: 1}, report, err)
	s.set(s.from, "ben", "1")
	s.logout(s.from, "cleo")
	report, err = c.Pass(t.Context())
	s.is(moving.Report{Updated: 1, Removed: 1, Kept: 1}, report, err)
	s.has("ada:mine", "ben:1")
}

// listing is an engine on which something happens between its listing and what
// follows.
type listing struct {
	cloakroom.Engine
	then func()
}

func (e listing) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return func(yield func(*cloakroom.Record, error) bool) {
		var all []*cloakroom.Record
		for r, err := range e.Engine.(cloakroom.Lister).List(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			all = append(all, r)
		}
		e.then()
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// What ends or changes after it was listed is copied as it is then.
func TestCopyLooksAgain(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.login("ada", "ben", "cleo")
	from := listing{s.from, func() {
		s.logout(s.from, "ada")
		s.set(s.from, "ben", "1")
	}}
	report, err := moving.Copy(t.Context(), s.to, from, moving.Options{})
	s.is(moving.Report{Copied: 2, Ended: 1}, report, err)
	s.has("ben:1", "cleo")
}

func TestCopyStops(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	for range 100 {
		s.login("ada")
	}
	ctx, cancel := context.WithCancel(t.Context())
	from := listing{s.from, cancel}
	if _, err := moving.Copy(ctx, s.to, from, moving.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.has()
}

// silent is an engine that cannot be asked for a session of its own.
type silent struct{ cloakroom.Engine }

func (e silent) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	if _, err := e.Engine.Load(ctx, key); err != nil {
		return nil, err
	}
	return nil, &cloakroom.Error{Engine: "silent", Op: "load", Kind: cloakroom.ErrUnavailable}
}

func TestCopyFromWhatFallsSilent(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	for range 1000 {
		s.login("ada")
	}
	from := listing{silent{s.from}, func() {}}
	from.Engine = struct {
		silent
		cloakroom.Lister
	}{silent{s.from}, s.from.(cloakroom.Lister)}
	report, err := moving.Copy(t.Context(), s.to, from, moving.Options{})
	if !errors.Is(err, cloakroom.ErrUnavailable) || report.Failed < 16 || report.Failed > 50 || report.Copied > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestCopyTellsProgress(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	for range 1000 {
		s.login("ada")
	}
	var calls, last atomic.Int64
	_, err := moving.Copy(t.Context(), s.to, s.from, moving.Options{Progress: func(done, total int64) {
		if calls.Add(1); total != 1000 || done < last.Load() {
			t.Errorf("%d of %d after %d", done, total, last.Load())
		}
		last.Store(done)
	}})
	if err != nil || calls.Load() < 3 || last.Load() != 1000 {
		t.Errorf("%d calls, the last with %d; %v", calls.Load(), last.Load(), err)
	}
}

func TestExpiryThatNobodyKnows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSides(t)
		s.login("ada")
		_, err := moving.Copy(t.Context(), s.to, forgetful{s.from}, moving.Options{Lifetime: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := s.to.Load(t.Context(), s.keys["ada"]); err != nil || time.Until(r.Expires) != time.Minute {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// forgetful does not tell when sessions expire.
type forgetful struct{ cloakroom.Engine }

func (e forgetful) Load(ctx context.Context, key string) (*cloakroom.Record, error) {
	r, err := e.Engine.Load(ctx, key)
	if err == nil {
		r.Expires = time.Time{}
	}
	return r, err
}

func (e forgetful) List(ctx context.Context) iter.Seq2[*cloakroom.Record, error] {
	return e.Engine.(cloakroom.Lister).List(ctx)
}

// What the target would flatten is skipped, and told; so is what nobody can read.
func TestCopySkips(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.from = openFiles(t, session.Pickle)
	s.login("ada", "ben")
	tuple, err := pickle.Unmarshal([]byte("\x80\x04}\x8c\x01tK\x01K\x02\x86s."))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(tuple, map[string]any{"user": "cleo"})
	r := &cloakroom.Record{Data: tuple, Expires: time.Now().Add(time.Hour)}
	if err := s.from.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	s.keys["cleo"] = r.Key
	unreadable := &cloakroom.Record{Data: map[string]any{}, Expires: time.Now().Add(time.Hour)}
	if err := s.from.(cloakroom.Signed).WithSecretKeys("another").Create(t.Context(), unreadable); err != nil {
		t.Fatal(err)
	}

	s.to = openFiles(t, session.JSON)
	report, err := moving.Copy(t.Context(), s.to, s.from, moving.Options{})
	s.is(moving.Report{Copied: 2, Skipped: map[string]int64{
		"it cannot be read": 1,
		"it has something that JSON has not, such as a tuple, bytes, a date or a Python object": 1,
	}}, report, err)
	s.has("ada", "ben")

	s.to = openFiles(t, session.AsFound)
	report, err = moving.Copy(t.Context(), s.to, s.from, moving.Options{})
	s.is(moving.Report{Copied: 3, Skipped: map[string]int64{"it cannot be read": 1}}, report, err)
	s.has("ada", "ben", "cleo")
	got, err := s.to.Load(t.Context(), s.keys["cleo"])
	if err != nil {
		t.Fatal(err)
	}
	tagged, err := pickle.TagValue(got.Data["t"])
	if diff := cmp.Diff(any(map[string]any{"$tuple": []any{int64(1), int64(2)}}), tagged); diff != "" || err != nil {
		t.Errorf("the tuple (-want +got): %v\n%s", err, diff)
	}

	// The moving engine refuses it, too, and leaves it where it is.
	e := move(t, openFiles(t, session.JSON), s.from)
	if r, err = e.Load(t.Context(), s.keys["cleo"]); err != nil {
		t.Fatal(err)
	}
	cycled := *r
	for what, err := range map[string]error{"Save": e.Save(t.Context(), r), "Create": e.Create(t.Context(), &cycled)} {
		if !errors.Is(err, cloakroom.ErrUnencodable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err = e.Load(t.Context(), s.keys["cleo"]); err != nil {
		t.Error(err)
	}
}

// What was JSON becomes the lists and dictionaries that it says, for Python too.
func TestCopyToPickles(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.from, s.to = openFiles(t, session.JSON), openFiles(t, session.Pickle)
	data := map[string]any{"list": []any{int64(1), map[string]any{"deep": nil}}, "map": map[string]any{"a": "b"}}
	r := &cloakroom.Record{Data: data, Expires: time.Now().Add(time.Hour)}
	if err := s.from.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	report, err := moving.Copy(t.Context(), s.to, s.from, moving.Options{})
	s.is(moving.Report{Copied: 1}, report, err)
	got, err := s.to.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, isPickled := got.Data["list"].(pickle.Raw); !isPickled {
		t.Errorf("the list is a %T", got.Data["list"])
	}
	tagged, err := pickle.Tag(got.Data)
	if diff := cmp.Diff(any(data), tagged); diff != "" || err != nil {
		t.Errorf("(-want +got): %v\n%s", err, diff)
	}
}

func openFiles(t *testing.T, serializer session.Serializer) cloakroom.Engine {
	t.Helper()
	e, err := file.Open(t.Context(), "file://"+t.TempDir(), file.WithSerializer(serializer))
	if err != nil {
		t.Fatal(err)
	}
	return e.WithSecretKeys(secret)
}

// Between what nothing can be copied or moved is said at once.
func TestNoWay(t *testing.T) {
	t.Parallel()
	cookies := cookie.Open().WithSecretKeys(secret)
	s := newSides(t)
	unlisted := struct{ cloakroom.Engine }{s.from}
	for name, c := range map[string]struct {
		to, from cloakroom.Engine
		want     string
	}{
		"to cookies":            {cookies, s.from, "sessions cannot be moved to signed_cookies"},
		"from cookies":          {s.to, cookies, "sessions cannot be moved from signed_cookies"},
		"from what cannot list": {s.to, unlisted, "cannot list its sessions"},
	} {
		_, err := moving.Copy(t.Context(), c.to, c.from, moving.Options{})
		if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	both := moving.Options{Mirror: true, Move: true}
	if _, err := moving.Copy(t.Context(), s.to, s.from, both); !errors.Is(err, cloakroom.ErrConfig) {
		t.Errorf("Mirror and Move: %v", err)
	}
	if _, err := moving.NewCopier(s.to, s.from, moving.Options{Move: true}); !errors.Is(err, cloakroom.ErrConfig) {
		t.Errorf("a Copier that moves: %v", err)
	}
	if _, err := moving.New(cookies, s.from); !errors.Is(err, cloakroom.ErrConfig) {
		t.Errorf("New: %v", err)
	}
}

// Nothing is copied between two that are the same place, under whatever name, and
// nothing is deleted from it.
func TestNothingIsCopiedToItself(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) (to, from cloakroom.Engine){
		"one engine": func(*testing.T) (to, from cloakroom.Engine) {
			e := locmem.Open()
			return e, e
		},
		"a database, and a cache before it": func(t *testing.T) (to, from cloakroom.Engine) {
			file := "sqlite:///" + filepath.Join(t.TempDir(), "site.sqlite3")
			return cached(t, openDB(t, file)), openDB(t, file)
		},
		"a cache before a database, and that": func(t *testing.T) (to, from cloakroom.Engine) {
			file := "sqlite:///" + filepath.Join(t.TempDir(), "site.sqlite3")
			return openDB(t, file), cached(t, openDB(t, file))
		},
		"another time zone": func(t *testing.T) (to, from cloakroom.Engine) {
			file := "sqlite:///" + filepath.Join(t.TempDir(), "site.sqlite3")
			return openDB(t, file, db.WithTimeZone(time.FixedZone("", -12*60*60))), openDB(t, file, db.WithTimeZone(time.FixedZone("", 14*60*60)))
		},
		"another secret": func(t *testing.T) (to, from cloakroom.Engine) {
			from = openFiles(t, session.JSON)
			return from.(cloakroom.Signed).WithSecretKeys("another"), from
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSides(t)
			s.to, s.from = open(t)
			r := &cloakroom.Record{Data: map[string]any{"user": "ada"}, Expires: time.Now().Add(72 * time.Hour)}
			if err := s.from.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			s.keys["ada"] = r.Key
			for _, o := range []moving.Options{{}, {Mirror: true}, {Move: true}} {
				_, err := moving.Copy(t.Context(), s.to, s.from, o)
				if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), "in the same place") {
					t.Errorf("%+v: %v", o, err)
				}
			}
			if _, err := s.copier(moving.Options{}).Pass(t.Context()); !errors.Is(err, cloakroom.ErrConfig) {
				t.Errorf("a Copier: %v", err)
			}
			s.to = s.from
			s.has("ada")
			measurer, _ := cloakroom.As[cloakroom.Measurer](s.from)
			if stats, err := measurer.Stats(t.Context()); err != nil || stats.Live != 1 {
				t.Errorf("more than the session is left: %+v, %v", stats, err)
			}
		})
	}
}

// Where the two are the same place, a moving engine ends no session that is to live
// shorter.
func TestMovingToItself(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	s.login("ada")
	e := move(t, s.from, s.from)
	r, err := e.Load(t.Context(), s.keys["ada"])
	if err != nil {
		t.Fatal(err)
	}
	r.Expires = r.Expires.Add(-time.Minute)
	if err := e.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrConfig) {
		t.Error(err)
	}
	if _, err := e.Load(t.Context(), r.Key); err != nil {
		t.Error(err)
	}
}

// cached is an engine with a cache of its own before it.
func cached(t *testing.T, e cloakroom.Engine) cloakroom.Engine {
	front := cacheddb.New(locmem.New(), e)
	t.Cleanup(func() { _ = front.Close() })
	return front
}

// Of the throw-away session that finds out whether the two are apart, neither keeps
// anything.
func TestCopyLeavesNoProbe(t *testing.T) {
	t.Parallel()
	s := newSides(t)
	report, err := moving.Copy(t.Context(), s.to, s.from, moving.Options{})
	s.is(moving.Report{}, report, err)
	s.has()
	s.to = s.from
	s.has()
}

// What happens until the site stops is followed, the last of it after Follow was
// told to end.
func TestFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSides(t)
		s.login("ada", "ben", "cleo")
		ctx, stop := context.WithCancel(t.Context())
		var report moving.Report
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			report, err = s.copier(moving.Options{}).Follow(ctx, time.Second)
		}()
		time.Sleep(3500 * time.Millisecond)
		s.set(s.from, "ada", "1")
		s.logout(s.from, "ben")
		time.Sleep(time.Second)
		s.has("ada:1", "cleo")
		s.login("dora")
		s.set(s.from, "ada", "2")
		stop()
		<-done
		s.is(moving.Report{Copied: 4, Updated: 2, Removed: 1}, report, err)
		s.has("ada:2", "cleo", "dora")
	})
}
