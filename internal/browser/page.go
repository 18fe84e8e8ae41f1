package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Visit goes to a page and waits until it is there.
func (b *Browser) Visit(url string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	b.must(chromedp.Do(ctx, chromedp.Navigate(url)), "visit "+url)
}

// See waits until the page shows text.
func (b *Browser) See(text string) {
	b.t.Helper()
	b.await("see "+text, func(ctx context.Context) error {
		shown, err := b.text(ctx)
		if err == nil && !strings.Contains(shown, text) {
			err = errors.New("not there")
		}
		return err
	})
}

// Type writes text into the field with that label, behind what it holds.
func (b *Browser) Type(label, text string) {
	b.t.Helper()
	b.await("type into "+label, func(ctx context.Context) error {
		field, err := b.find(ctx, label, "textbox", "searchbox")
		if err != nil {
			return err
		}
		_, err = chromedp.Call(ctx, dom.Focus, dom.FocusParams{BackendNodeID: field})
		return err
	})
	_, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: text})
	b.must(err, "type into "+label)
}

// Press presses the button, or whatever else can be pressed, of that name.
func (b *Browser) Press(name string) {
	b.t.Helper()
	x, y := b.locate(name)
	b.must(chromedp.Do(b.ctx, chromedp.MouseClickXY(x, y)), "press "+name)
}

// Follow presses the link or button of that name and waits for the page that
// it leads to.
func (b *Browser) Follow(name string) {
	b.t.Helper()
	x, y := b.locate(name)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.MouseClickXY(x, y))
	b.must(err, "follow "+name)
}

// locate scrolls to what can be pressed and says where its middle is.
func (b *Browser) locate(name string) (x, y float64) {
	b.t.Helper()
	b.await("find "+name, func(ctx context.Context) error {
		target, err := b.find(ctx, name, "button", "link", "checkbox", "radio", "tab", "DisclosureTriangle")
		if err != nil {
			return err
		}
		_, err = chromedp.Call(ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: target})
		if err != nil {
			return err
		}
		shape, err := chromedp.Call(ctx, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: target})
		if err != nil {
			return err
		}
		if len(shape.Quads) == 0 {
			return errors.New("not on the screen")
		}
		corners := shape.Quads[0] // x and y of each, clockwise from the top left
		x, y = (corners[0]+corners[4])/2, (corners[1]+corners[5])/2
		return nil
	})
	return x, y
}

// find returns the one element of that accessible name and any of the roles.
func (b *Browser) find(ctx context.Context, name string, roles ...string) (cdp.BackendNodeID, error) {
	document, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
	if err != nil {
		return 0, err
	}
	named, err := chromedp.Call(ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
		ObjectID: document.Result.ObjectID, AccessibleName: name,
	})
	if err != nil {
		return 0, err
	}
	found := slices.DeleteFunc(named.Nodes, func(n *accessibility.Node) bool {
		return n.Ignored || !slices.Contains(roles, strings.Trim(string(n.Role.Value), `"`))
	})
	if len(found) != 1 {
		return 0, fmt.Errorf("there are %d of that name", len(found))
	}
	return found[0].BackendDOMNodeID, nil
}

// text is what a visitor can read on the page.
func (b *Browser) text(ctx context.Context) (string, error) {
	return chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
}

// await tries until there is no error, and for as long as patience lasts: a
// page may be on its way.
func (b *Browser) await(doing string, try func(context.Context) error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	err := try(ctx)
	for err != nil && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
		if again := try(ctx); ctx.Err() == nil {
			err = again // what is wrong with the page says more than the deadline
		}
	}
	b.must(err, doing)
}
