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
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what is expected of it. It is
// long because many browsers share few processors when all tests run.
const patience = 30 * time.Second

// Browser is one running Chromium with a profile of its own, and its one page.
// Two browsers share no cookie. It belongs to the test's goroutine; whatever it
// cannot do ends the test.
type Browser struct {
	t   testing.TB
	ctx context.Context
}

// New starts a browser that ends with the test.
func New(t testing.TB) *Browser {
	t.Helper()
	ctx, stop, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return &Browser{t, ctx}
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
