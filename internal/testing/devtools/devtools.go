// Package devtools drives a page in headless Chromium by the browser's debugging
// protocol (chromedevtools.github.io/devtools-protocol), over a pipe: no port is opened,
// and the browser resolves no name.
package devtools

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// callTimeout is how long the browser may take for one command; a slow machine starts
// it in seconds.
const callTimeout = time.Minute

// Arguments are what every Chromium here is started with: no window, no network, and
// its profile in a folder of its own.
func Arguments(profile string) []string {
	all := []string{"--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
		"--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + profile}
	if os.Geteuid() == 0 {
		all = append(all, "--no-sandbox") // its sandbox refuses root
	}
	return all
}

// A Tab is a page in a Chromium of its own. It is not safe for concurrent use.
type Tab struct {
	Downloads string // the folder of what it downloads

	dir      string
	cmd      *exec.Cmd
	to, from *os.File
	read     chan struct{} // closed when the browser says no more
	session  string
	next     int

	mutex    sync.Mutex
	replies  map[int]chan reply // nil when the browser has ended
	requests []string
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// Open starts the Chromium of that path with an empty page, and further arguments. It
// ends with ctx or with Close.
func Open(ctx context.Context, chromium string, arguments ...string) (*Tab, error) {
	dir, err := os.MkdirTemp("", "exgrant-chromium-")
	if err != nil {
		return nil, err
	}
	tab, err := start(ctx, chromium, dir, arguments)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := tab.attach(); err != nil {
		tab.Close()
		return nil, err
	}
	return tab, nil
}

func start(ctx context.Context, chromium, dir string, arguments []string) (*Tab, error) {
	fromUs, toBrowser, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fromBrowser, toUs, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, fromUs.Close(), toBrowser.Close())
	}
	cmd := exec.CommandContext(ctx, chromium,
		slices.Concat(Arguments(filepath.Join(dir, "profile")), []string{"--remote-debugging-pipe"}, arguments, []string{"about:blank"})...)
	cmd.ExtraFiles = []*os.File{fromUs, toUs} // its descriptors 3 and 4
	err = errors.Join(cmd.Start(), fromUs.Close(), toUs.Close())
	if err != nil {
		return nil, errors.Join(err, toBrowser.Close(), fromBrowser.Close())
	}
	tab := &Tab{Downloads: filepath.Join(dir, "downloads"), dir: dir, cmd: cmd, to: toBrowser, from: fromBrowser,
		replies: map[int]chan reply{}, read: make(chan struct{})}
	go func() {
		defer close(tab.read)
		tab.readAll()
	}()
	return tab, nil
}

// Close ends the browser and removes its folder.
func (tab *Tab) Close() {
	tab.session = ""
	_ = tab.Call("Browser.close", nil, nil) // so that it ends its own processes; it may be gone
	select {
	case <-tab.read:
	case <-time.After(5 * time.Second):
		_ = tab.cmd.Process.Kill()
	}
	_ = tab.to.Close()
	_ = tab.cmd.Wait() // how it ended does not matter
	_ = tab.from.Close()
	<-tab.read
	// One of its processes may still write into its profile.
	for range 50 {
		if os.RemoveAll(tab.dir) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// attach opens the page that every further command is for.
func (tab *Tab) attach() error {
	var target struct{ TargetID string }
	var attached struct{ SessionID string }
	if err := tab.Call("Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return err
	}
	if err := tab.Call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return err
	}
	if err := tab.Call("Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": tab.Downloads}, nil); err != nil {
		return err
	}
	tab.session = attached.SessionID
	return errors.Join(tab.Call("Network.enable", nil, nil), tab.Call("Page.enable", nil, nil))
}

// readAll takes what the browser says, messages that end in a NUL, until it ends.
func (tab *Tab) readAll() {
	r := bufio.NewReader(tab.from)
	for {
		line, err := r.ReadBytes(0)
		tab.mutex.Lock()
		if err != nil {
			for _, waiting := range tab.replies {
				close(waiting)
			}
			tab.replies = nil
			tab.mutex.Unlock()
			return
		}
		tab.take(line[:len(line)-1])
		tab.mutex.Unlock()
	}
}

func (tab *Tab) take(line []byte) {
	var message struct {
		ID     int
		Method string
		Params struct {
			Request struct{ URL string }
		}
		reply
	}
	if json.Unmarshal(line, &message) != nil {
		return // an event of another form
	}
	if message.Method == "Network.requestWillBeSent" {
		tab.requests = append(tab.requests, message.Params.Request.URL)
	}
	if waiting, ok := tab.replies[message.ID]; ok {
		waiting <- message.reply
		delete(tab.replies, message.ID)
	}
}

// Call runs one command of the protocol; result, when not nil, takes its result.
func (tab *Tab) Call(method string, params map[string]any, result any) error {
	tab.next++
	if params == nil {
		params = map[string]any{}
	}
	message := map[string]any{"id": tab.next, "method": method, "params": params}
	if tab.session != "" {
		message["sessionId"] = tab.session
	}
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	answer := make(chan reply, 1)
	tab.mutex.Lock()
	ended := tab.replies == nil
	if !ended {
		tab.replies[tab.next] = answer
	}
	tab.mutex.Unlock()
	if ended {
		return fmt.Errorf("%s: the browser has ended", method)
	}
	if _, err := tab.to.Write(append(data, 0)); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case r, open := <-answer:
		switch {
		case !open:
			return fmt.Errorf("%s: the browser has ended", method)
		case r.Error != nil:
			return fmt.Errorf("%s: %s", method, r.Error.Message)
		case result != nil:
			return json.Unmarshal(r.Result, result)
		}
		return nil
	case <-time.After(callTimeout):
		return fmt.Errorf("%s: no answer in %v", method, callTimeout)
	}
}

// Navigate loads an address and waits until the expression ready is true in it.
func (tab *Tab) Navigate(address, ready string) error {
	if err := tab.Call("Page.navigate", map[string]any{"url": address}, nil); err != nil {
		return err
	}
	return tab.Wait("document.readyState === 'complete' && " + ready)
}

// Requests lists the addresses that the page has asked for since it was opened, file:,
// data: and blob: among them.
func (tab *Tab) Requests() []string {
	tab.mutex.Lock()
	defer tab.mutex.Unlock()
	return slices.Clone(tab.requests)
}

// Eval gives the value of a JavaScript expression, a promise's when it ends.
func (tab *Tab) Eval(expression string) (any, error) {
	var result struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	err := tab.Call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &result)
	if err != nil {
		return nil, err
	}
	if e := result.ExceptionDetails; e != nil {
		return nil, errors.New(strings.TrimSpace(e.Text + " " + e.Exception.Description))
	}
	return result.Result.Value, nil
}

// Wait waits until an expression is true, at most half a minute.
func (tab *Tab) Wait(expression string) error {
	var last error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		v, err := tab.Eval(expression)
		if err == nil && v == true {
			return nil
		}
		last = err // a page that is being left has no context
	}
	return errors.Join(fmt.Errorf("never true: %s", expression), last)
}

// View sets the size of the page in CSS pixels, and the colour scheme, dark or light.
func (tab *Tab) View(width, height int, scheme string) error {
	return errors.Join(
		tab.Call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil),
		tab.Call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]any{{"name": "prefers-color-scheme", "value": scheme}}}, nil))
}

// Screenshot is what the view shows, as a PNG.
func (tab *Tab) Screenshot() ([]byte, error) {
	var result struct{ Data string }
	if err := tab.Call("Page.captureScreenshot", map[string]any{"format": "png"}, &result); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(result.Data)
}
