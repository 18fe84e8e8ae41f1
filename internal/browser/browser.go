// Package browser lets a test use a web page as people do: it reads the text
// and presses what has a name, in a real Chromium. What it cannot find by its
// label or name, a screen reader cannot find either.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what is expected of it. It is
// long because many browsers share few processors when all tests run.
const patience = 30 * time.Second

// Browser is a profile of its own in a running Chromium, and its one page. Two
// browsers share no cookie. It belongs to the test's goroutine; whatever it
// cannot do ends the test.
type Browser struct {
	t   testing.TB
	ctx context.Context
}

// New opens a browser that ends with the test.
func New(t testing.TB) *Browser {
	t.Helper()
	chromium, leave, err := shared.join()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(leave)
	ctx, _ := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // an error means that Chromium is gone already
	})
	b := &Browser{t, ctx}
	b.must(chromedp.Do(ctx), "open")
	// As if its window were in front, whichever is.
	_, err = chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.must(err, "take the focus")
	return b
}

// shared is the one Chromium of the test's process. To start one takes longer than
// most tests.
var shared group

// group is whoever uses a Chromium. The first starts it, the last ends it.
type group struct {
	mu      sync.Mutex
	members int
	ctx     context.Context
	stop    func()
}

func (g *group) join() (ctx context.Context, leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members == 0 {
		if g.ctx, g.stop, err = start(); err != nil {
			return nil, nil, err
		}
	}
	g.members++
	return g.ctx, g.leave, nil
}

func (g *group) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members--; g.members == 0 {
		g.stop()
	}
}

// start starts Chromium. It uses no sandbox: that needs rights which root and
// many containers lack, and all it would guard against is our own pages.
func start(options ...chromedp.ExecAllocatorOption) (context.Context, func(), error) {
	options = slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("allow-pre-commit-input", true), // a click right after a load counts
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	}, options)
	ctx, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(ctx)
	stop := func() {
		// An error here means that Chromium is gone already.
		_ = chromedp.Cancel(ctx)
		release()
	}
	if err := chromedp.Do(ctx); err != nil {
		stop()
		if errors.Is(err, exec.ErrNotFound) {
			err = fmt.Errorf("this test needs Chromium; install it with `apt-get install chromium`: %w", err)
		}
		return nil, nil, err
	}
	return ctx, stop, nil
}

// Context is for what has no method here: pass it to chromedp.Do and
// chromedp.Run.
func (b *Browser) Context() context.Context { return b.ctx }

// DisableScripts makes every page do without JavaScript.
func (b *Browser) DisableScripts() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: true})
	b.must(err, "disable scripts")
}

// SetUserAgent makes the browser give itself out as another.
func (b *Browser) SetUserAgent(agent string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetUserAgentOverride,
		emulation.SetUserAgentOverrideParams{UserAgent: agent})
	b.must(err, "set the user agent")
}

// Scheme is the colour scheme that a visitor prefers.
type Scheme string

// What prefers-color-scheme can say.
const (
	Light Scheme = "light"
	Dark  Scheme = "dark"
)

// Emulate shows pages as on a screen of that size, in CSS pixels, to a visitor
// who prefers that scheme.
func (b *Browser) Emulate(scheme Scheme, width, height int) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: string(scheme)}},
	})
	b.must(err, "prefer "+string(scheme))
	b.must(chromedp.Do(b.ctx, chromedp.EmulateViewport(int64(width), int64(height))), "resize")
}

// Screenshot writes the whole page into a PNG file.
func (b *Browser) Screenshot(file string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	b.must(err, "take a screenshot")
	b.must(os.WriteFile(file, png, 0o644), "keep a screenshot")
}

// must ends the test when err is not nil, and says what the page showed.
func (b *Browser) must(err error, doing string) {
	b.t.Helper()
	if err == nil {
		return
	}
	shown, _ := b.text(b.ctx)
	b.t.Fatalf("browser: %s: %v\nThe page reads:\n%s", doing, err, shown)
}
