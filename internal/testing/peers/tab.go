package peers

import (
	"context"
	"fmt"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/devtools"
)

// A Tab is a page in a Chromium that belongs to a test: what fails ends the test.
type Tab struct {
	t   testing.TB
	tab *devtools.Tab

	Downloads string // the folder of what it downloads
}

// OpenTab opens an empty page in a Chromium of its own, until the test ends.
func OpenTab(t testing.TB, arguments ...string) *Tab {
	t.Helper()
	chromium := Program(t, "chromium")
	// The test's own context ends before Close could let the browser end by itself.
	tab, err := devtools.Open(context.Background(), chromium, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return &Tab{t, tab, tab.Downloads}
}

// Call runs one command of the debugging protocol; result, when not nil, takes its result.
func (tab *Tab) Call(method string, params map[string]any, result any) {
	tab.t.Helper()
	if err := tab.tab.Call(method, params, result); err != nil {
		tab.t.Fatal(err)
	}
}

// Navigate loads an address, by way of an empty page, and waits until the expression
// ready is true in it.
func (tab *Tab) Navigate(address, ready string) {
	tab.t.Helper()
	if err := tab.tab.Navigate("about:blank", "true"); err != nil {
		tab.t.Fatal(err)
	}
	if err := tab.tab.Navigate(address, ready); err != nil {
		tab.t.Fatal(err)
	}
}

// Requests lists the addresses that pages have asked for.
func (tab *Tab) Requests() []string { return tab.tab.Requests() }

// Eval gives the value of a JavaScript expression, a promise's when it ends.
func (tab *Tab) Eval(expression string) any {
	tab.t.Helper()
	v, err := tab.tab.Eval(expression)
	if err != nil {
		tab.t.Fatalf("%.200s: %v", expression, err)
	}
	return v
}

// Text is Eval for an expression that is a text.
func (tab *Tab) Text(expression string) string {
	tab.t.Helper()
	return fmt.Sprint(tab.Eval(expression))
}

// View sets the size of the page in CSS pixels, and the colour scheme, dark or light.
func (tab *Tab) View(width, height int, scheme string) {
	tab.t.Helper()
	if err := tab.tab.View(width, height, scheme); err != nil {
		tab.t.Fatal(err)
	}
}

// Screenshot is what the view shows, as a PNG.
func (tab *Tab) Screenshot() []byte {
	tab.t.Helper()
	png, err := tab.tab.Screenshot()
	if err != nil {
		tab.t.Fatal(err)
	}
	return png
}
