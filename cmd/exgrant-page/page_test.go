package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"github.com/exgrant/exgrant/internal/grantfile"
	"github.com/exgrant/exgrant/pkg/exchange"
	"html"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exgrant/exgrant/cmd/exgrant-page/builder"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/psgen"
	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "take README's picture of the page anew")

// page is the built page, once for all tests.
var page = sync.OnceValues(func() ([]byte, error) { return build(context.Background()) })

func built(t *testing.T) (address string, data []byte) {
	t.Helper()
	peers.Program(t, "go")
	data, err := page()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "exgrant.html")
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return "file://" + file, data
}

const ready = "document.documentElement.hasAttribute('data-ready')"

func open(t *testing.T) (tab *peers.Tab, address string) {
	t.Helper()
	peers.Program(t, "chromium")
	address, _ = built(t)
	tab = peers.OpenTab(t)
	tab.View(1280, 900, "light")
	tab.Navigate(address, ready)
	return tab, address
}

// fill types values into fields by their names, as a person does: with an event for
// each. A field that is not named is emptied.
func fill(tab *peers.Tab, values map[string]any) {
	data, _ := json.Marshal(values)
	tab.Eval(fmt.Sprintf(`(() => {
		const values = %s, event = () => new Event("input", {bubbles: true});
		for (const e of document.querySelectorAll("#form input:not([type=radio]), #form textarea")) {
			if (e.type === "checkbox") e.checked = false; else e.value = "";
		}
		for (const [name, value] of Object.entries(values)) {
			const e = document.querySelector('[name="' + name + '"]');
			if (e.type === "radio") { document.querySelector('[name="' + name + '"][value="' + value + '"]').click(); continue; }
			if (e.type === "checkbox") e.checked = value; else e.value = value;
			e.dispatchEvent(event());
		}
		document.querySelector("[name=mailbox]").dispatchEvent(event());
	})()`, data))
}

func formOf(t *testing.T, values map[string]any) builder.Form {
	t.Helper()
	var f builder.Form
	data, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// forms are all kinds of grants.
var forms = []map[string]any{
	{"assignee": "user", "scope": "group", "user": `CONTOSO\svc-reschedule`, "scope-group": "Reschedule Users", "in-scope": "anna@contoso.test", "out-of-scope": "boss@contoso.test\nceo@contoso.test"},
	{"assignee": "user", "scope": "group", "user": "svc@contoso.test", "scope-group": "Reschedule Users", "scope-name": "Reschedule Scope", "name": "Reschedule", "mailbox": "svc@contoso.test", "domain-controller": "dc01.contoso.test"},
	{"assignee": "group", "scope": "ou", "group": "Reschedule Services", "scope-ou": "contoso.test/Staff"},
	{"assignee": "user", "scope": "filter", "user": "svc", "scope-filter": "Department -eq 'Sales' -and City -like 'Ber*'"},
	{"assignee": "role-group", "scope": "name", "role-group": "Reschedule", "member": "svc1\nsvc2", "view-only-configuration": true, "scope-name": "Rooms"},
	{"assignee": "user", "scope": "organization", "user": "svc", "whole-organization": true},
	{"assignee": "user", "scope": "group", "mailbox": "svc-only@contoso.test", "scope-group": "G"},
}

// The page holds everything and asks for nothing: the same bytes each time, small
// enough, and with a policy that lets nothing in.
func TestPageBytes(t *testing.T) {
	_, data := built(t)
	again, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, again) {
		t.Error("a second build gives other bytes")
	}
	if most := 2500 * 1000; len(data) > most {
		t.Errorf("%d bytes, more than %d", len(data), most)
	}
	for _, want := range []string{`content="default-src 'none'; script-src 'sha256-`, "'wasm-unsafe-eval'; style-src 'sha256-", "base-uri 'none'; form-action 'none'"} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("the page has no %s", want)
		}
	}
	for _, refused := range []string{"unsafe-inline", "'unsafe-eval'", "innerHTML", "{{", "http-equiv=\"refresh\"", "src=\"", "@import", "url("} {
		if i := bytes.Index(data, []byte(refused)); i >= 0 {
			t.Errorf("the page has %s: %.80s", refused, data[i:])
		}
	}
}

// The page is a copy of what others wrote, too, and has their licenses in it.
func TestNotices(t *testing.T) {
	_, data := built(t)
	for _, want := range []string{"MIT License", "The Go standard library and runtime: LICENSE", "github.com/goccy/go-yaml v", "golang.org/x/text v"} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("the page has no %q", want)
		}
	}
	all := "head" + rule + "a v1: LICENSE\nb v2: LICENSE\n" + rule[2:] + "\nGive it.\n" + rule + "c v3: LICENSE\n" + rule[2:] + "\nTake it.\n"
	if got, err := notices(all, []string{"b v2"}); got != "\n\nb v2: LICENSE\n\nGive it.\n" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := notices(all, []string{"b v3"}); err == nil || !strings.Contains(err.Error(), "does not name b v3") {
		t.Errorf("a module without notices: %v", err)
	}
}

func TestEveryForm(t *testing.T) {
	tab, _ := open(t)
	for _, values := range forms {
		fill(tab, values)
		want := builder.Build(formOf(t, values))
		if len(want.Errors) > 0 {
			t.Fatalf("%v: %v", values, want.Errors)
		}
		checkShown(t, tab, want)
	}
	for _, request := range tab.Requests() {
		if !strings.HasPrefix(request, "file://") && request != "about:blank" {
			t.Errorf("the page asked for %s", request)
		}
	}
}

func checkShown(t *testing.T, tab *peers.Tab, want builder.Result) {
	t.Helper()
	shown := map[string]string{}
	for _, id := range []string{"script", "command", "shell", "yaml", "sha256", "body-sha256"} {
		shown[id] = tab.Text(`document.getElementById("` + id + `").textContent`)
	}
	s := want.Scripts[0]
	if diff := gocmp.Diff(map[string]string{"script": s.Before + s.Asked + s.After, "command": want.Command, "shell": want.Shell, "yaml": want.YAML,
		"sha256": s.SHA256, "body-sha256": s.Body}, shown); diff != "" {
		t.Errorf("-want +shown\n%s", diff)
	}
	if len(s.SHA256) != 64 || len(s.Body) != 64 {
		t.Errorf("hashes %q and %q", s.SHA256, s.Body)
	}
	sentences := tab.Eval(`[...document.querySelectorAll("#summary li")].map(e => e.textContent)`)
	var wanted []any
	for _, sentence := range want.Summary {
		wanted = append(wanted, sentence)
	}
	if diff := gocmp.Diff(any(wanted), sentences); diff != "" || len(want.Summary) != 5 {
		t.Errorf("summary: -want +shown\n%s", diff)
	}
	marked := tab.Text(`document.querySelector("#script mark").textContent`)
	if marked != s.Asked || !strings.HasPrefix(marked, "# What was asked for.") || strings.Contains(marked, "function ") {
		t.Errorf("marked as what was asked for: %s", marked)
	}
	if others := tab.Text(`[...document.querySelectorAll("#script *")].map(e => e.localName).filter(n => n !== "mark" && n !== "span").join()`); others != "" {
		t.Errorf("the script holds elements: %s", others)
	}
}

// A click downloads the bytes that the program writes, whatever was asked for: by the
// command that the page shows, and by its file.
func TestDownloadedBytes(t *testing.T) {
	peers.Program(t, "sh")
	tab, _ := open(t)
	program := filepath.Join(t.TempDir(), "exgrant")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/exgrant/exgrant/cmd/exgrant").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// What is downloaded is kept here, 600 times; TestDownload really downloads.
	tab.Eval(`(() => { URL.createObjectURL = (blob) => { globalThis.last = blob; return "blob:x"; }; HTMLAnchorElement.prototype.click = () => {}; })()`)
	random := rand.New(rand.NewPCG(1, 2))
	for valid := 0; valid < 200; {
		values := randomForm(random)
		f := formOf(t, values)
		fill(tab, values)
		if err := f.Grant().Validate(); err != nil {
			if shown := tab.Eval(`document.getElementById("outcome").hidden && document.getElementById("script").textContent === ""`); shown != true {
				t.Errorf("%v: a script is shown, though %v", values, err)
			}
			continue
		}
		valid++
		for kind, want := range programs(t, program, tab) {
			got, err := base64.StdEncoding.DecodeString(tab.Text(`(async () => {
				document.querySelector('[name=shown][value=` + kind + `]').click();
				document.getElementById("download").click();
				return btoa(String.fromCharCode(...new Uint8Array(await last.arrayBuffer())));
			})()`))
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, string(got)); diff != "" {
				t.Fatalf("%v: %s: -program +page\n%s", values, kind, diff)
			}
		}
	}
}

// programs are the scripts that the program writes by the command and the file that are
// shown, by their kind.
func programs(t *testing.T, program string, tab *peers.Tab) map[string]string {
	t.Helper()
	dir := t.TempDir()
	text := func(id string) string { return tab.Text(`document.getElementById("` + id + `").textContent`) }
	command := cmp.Or(text("shell"), text("command"))
	if err := os.WriteFile(filepath.Join(dir, "grants.yaml"), []byte(text("yaml")), 0o666); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", "-c", command+" && exgrant script status -f grants.yaml -o status.ps1 && exgrant script check *.ps1")
	shell.Dir = dir
	shell.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	all := map[string]string{}
	for _, kind := range []string{"grant", "undo", "status"} {
		data, err := os.ReadFile(filepath.Join(dir, kind+".ps1"))
		if err != nil {
			t.Fatal(err)
		}
		all[kind] = string(data)
	}
	return all
}

// What a click really puts into the folder of downloads, and the hashes beside it.
func TestDownload(t *testing.T) {
	tab, _ := open(t)
	fill(tab, forms[0])
	for _, kind := range []string{"grant", "undo", "status"} {
		tab.Eval(`document.querySelector('[name=shown][value=` + kind + `]').click(); document.getElementById("download").click()`)
		data := downloaded(t, filepath.Join(tab.Downloads, kind+".ps1"))
		if _, _, err := psgen.Check(data); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		sum := sha256.Sum256(data)
		if got, want := tab.Text(`document.getElementById("sha256").textContent`), hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: SHA-256 %s is shown, and is %s", kind, got, want)
		}
		header, err := psgen.ReadHeader(data)
		if got := tab.Text(`document.getElementById("body-sha256").textContent`); err != nil || got != header.BodySHA256 {
			t.Errorf("%s: body hash %s is shown, and is %s, %v", kind, got, header.BodySHA256, err)
		}
	}
	tab.Eval(`document.getElementById("download-yaml").click()`)
	grants, err := grantfile.Read(bytes.NewReader(downloaded(t, filepath.Join(tab.Downloads, "grants.yaml"))), "grants.yaml")
	if diff := gocmp.Diff([]exchange.Grant{formOf(t, forms[0]).Grant()}, grants); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

// downloaded waits for a file.
func downloaded(t *testing.T, file string) []byte {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if data, err := os.ReadFile(file); err == nil && len(data) > 0 {
			return data
		}
	}
	t.Fatalf("%s was not downloaded", filepath.Base(file))
	return nil
}

func randomForm(r *rand.Rand) map[string]any {
	values := map[string]any{
		"assignee": pick(r, "user", "user", "group", "role-group"),
		"scope":    pick(r, "group", "ou", "filter", "name", "organization"),
		"name":     pick(r, "", "", "", "Reschedule "+randomName(r)), "in-scope": randomLines(r), "out-of-scope": randomLines(r),
	}
	values[values["assignee"].(string)] = randomName(r)
	if values["assignee"] == "role-group" {
		values["member"] = "m " + randomName(r) + "\n" + randomName(r)
		values["view-only-configuration"] = r.IntN(2) == 0
	}
	switch scope := values["scope"].(string); scope {
	case "organization":
		values["whole-organization"] = r.IntN(5) > 0
	case "filter":
		values["scope-filter"] = pick(r, "City -eq '"+strings.ReplaceAll(randomName(r), "'", "''")+"'", "{ Name -like 'a*' }", "Name -eq")
	default:
		values["scope-"+scope] = randomName(r)
	}
	return values
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

func randomName(r *rand.Rand) string {
	const letters = "abcXYZ 019-_.'\\@äß東’‚‛“„`$(){}&<>|éÅ𝒳"
	all := []rune(letters)
	var b strings.Builder
	for range 1 + r.IntN(12) {
		b.WriteRune(all[r.IntN(len(all))])
	}
	return b.String()
}

func randomLines(r *rand.Rand) string {
	var all []string
	for range r.IntN(3) {
		all = append(all, fmt.Sprintf("%s%d@contoso.test", pick(r, "anna", "o'brien", "jörg"), r.IntN(1000)))
	}
	return strings.Join(all, "\n")
}

// Text of people stays text: in every field, and in the link.
func TestHostileText(t *testing.T) {
	tab, address := open(t)
	elements := `document.querySelectorAll("*").length`
	fill(tab, forms[0])
	usual := tab.Eval(elements)
	for _, hostile := range []string{`<img src=x onerror="document.title='owned'">`, `</script><script>document.title='owned'</script>`,
		`"><style>*{display:none}</style>`, `'; Remove-Item C:\ #`, `#><# `, "${alert(1)}", `&lt;b&gt;`, `</pre></mark><b>x`, "]]>", "<!--"} {
		for name := range map[string]bool{"user": true, "scope-group": true, "mailbox": true, "domain-controller": true, "in-scope": true, "out-of-scope": true} {
			values := map[string]any{}
			for k, v := range forms[0] {
				values[k] = v
			}
			values[name] = hostile
			fill(tab, values)
			if got := tab.Eval(elements); got != usual && tab.Eval(`document.getElementById("outcome").hidden`) != true {
				t.Errorf("%s in %s: %v elements, not %v", hostile, name, got, usual)
			}
			if title := tab.Text("document.title"); !strings.HasPrefix(title, "exgrant: ") {
				t.Fatalf("%s in %s was run: %s", hostile, name, title)
			}
		}
	}
	hostile := `#product=` + "%3Cimg%20src%3Dx%20onerror%3Ddocument.title%3D'owned'%3E%E2%80%AE%0A%00" +
		`&scope=organization&user=CONTOSO%5Cevil&group=Evil&scope-group=Everybody&mailbox=evil&whole-organization=true&whole-organization&member=evil&name=evil&in-scope=evil&role-group=Evil&domain-controller=evil&scope-ou=x&scope-filter=x&scope-name=x`
	tab.Navigate(address+hostile, ready)
	if values := tab.Text(`[...document.querySelectorAll("#form input:not([type=radio]), #form textarea")].map(e => e.type === "checkbox" ? (e.checked ? "on" : "") : e.value).join("")`); values != "" {
		t.Errorf("the link filled in %q", values)
	}
	if chosen := tab.Text(`document.querySelector('[name=scope]:checked').value + " " + document.querySelector('[name=assignee]:checked').value`); chosen != "group user" {
		t.Errorf("the link chose %s", chosen)
	}
	if said := tab.Text(`document.getElementById("product").textContent`); said != `The link says: <img src=x onerror=document.title='owned'>` {
		t.Errorf("the link says %q", said)
	}
	if n := tab.Eval(`document.querySelectorAll("img").length`); n != 0.0 {
		t.Errorf("%v pictures came out of the link", n)
	}
}

// A vendor's link names its product, a kind of scope and options: README's, and all else.
func TestLink(t *testing.T) {
	tab, address := open(t)
	readme, err := os.ReadFile(filepath.Join(peers.ModuleRoot(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`<a href="exgrant\.html(#[^"]*)">`).FindSubmatch(readme)
	if shown == nil {
		t.Fatal("README has no link")
	}
	for link, want := range map[string]string{
		html.UnescapeString(string(shown[1])):                      "The link says: Reschedule|group|user|false",
		"#product=Reschedule&scope=ou&view-only-configuration":     "The link says: Reschedule|ou|role-group|true",
		"#scope=organization":                                      "The link says: |group|user|false",
		"#product=" + strings.Repeat("a", 100) + "&scope=filter":   "The link says: " + strings.Repeat("a", 60) + "|filter|user|false",
		"#product=%E2%80%AEtxet%00%0A%20x&scope=name&user=someone": "The link says: txet x|name|user|false",
	} {
		tab.Navigate(address+link, ready)
		got := tab.Text(`[document.getElementById("product").textContent, document.querySelector('[name=scope]:checked').value,
			document.querySelector('[name=assignee]:checked').value, document.querySelector('[name=view-only-configuration]').checked].join("|")`)
		if got != want {
			t.Errorf("%s: got %s, want %s", link, got, want)
		}
	}
}

// An error stands beside its field, in the program's words; a field to which nobody
// has come yet is not told off.
func TestErrors(t *testing.T) {
	tab, _ := open(t)
	alerts := `[...document.querySelectorAll('[role="alert"]')].filter(e => e.offsetParent && e.textContent).map(e => e.id + " " + e.textContent).join("|")`
	if got := tab.Text(alerts); got != "" {
		t.Errorf("an empty form has errors: %s", got)
	}
	if got := tab.Text(`document.getElementById("missing").textContent`); got != "Still needed: service account, group." {
		t.Error(got)
	}
	fill(tab, map[string]any{"assignee": "user", "scope": "group", "user": "svc*", "scope-group": "G"})
	if got, want := tab.Text(alerts), `user-error "svc*" must not contain the wildcard "*"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := tab.Eval(`document.getElementById("user").getAttribute("aria-invalid")`); got != "true" {
		t.Errorf("aria-invalid is %v", got)
	}
	// What is wrong in a part that is closed opens it.
	fill(tab, map[string]any{"user": "svc", "scope-group": "G", "name": "a[b"})
	if got, want := tab.Text(alerts), `name-error "a[b" must not contain "["`; got != want || tab.Eval(`document.getElementById("name-error").checkVisibility()`) != true {
		t.Errorf("got %s, want %s, and to be seen", got, want)
	}
	fill(tab, map[string]any{"user": "svc*", "scope-group": "G"})
	// Half of a character, which neither JSON nor a script can hold.
	tab.Eval(`(() => { const e = document.querySelector("[name=user]"); e.value = "svc\ud800"; e.dispatchEvent(new Event("input", {bubbles: true})); })()`)
	if got, want := tab.Text(alerts), `user-error must not contain a lone surrogate`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	fill(tab, map[string]any{"scope": "organization", "user": "svc"})
	if got := tab.Eval(`document.getElementById("outcome").hidden`); got != true {
		t.Error("the whole organization takes no second step")
	}
}

// The page fits: no horizontal scroll in a narrow window, nor at twice the size.
func TestFits(t *testing.T) {
	tab, address := open(t)
	for _, width := range []int{320, 360, 640, 1280, 1920} {
		for _, scheme := range []string{"light", "dark"} {
			tab.View(width, 800, scheme)
			tab.Navigate(address, ready)
			for _, values := range forms {
				fill(tab, values)
				if got := tab.Eval(`document.documentElement.scrollWidth <= document.documentElement.clientWidth`); got != true {
					t.Errorf("%d px, %v: it scrolls sideways", width, values)
				}
			}
			if top := tab.Eval(`document.getElementById("user").getBoundingClientRect().bottom`); width >= 360 && top.(float64) > 800 {
				t.Errorf("%d px: the first field is at %v, out of sight", width, top)
			}
		}
	}
}

// README shows the page as it is seen at a usual width.
func TestPicture(t *testing.T) {
	tab, _ := open(t)
	tab.View(1280, 1090, "light")
	fill(tab, forms[0])
	tab.Eval(`document.getElementById("script").scrollTop = document.querySelector("#script mark").offsetTop - document.getElementById("script").offsetTop - 150`)
	taken := tab.Screenshot()
	if *update {
		if err := os.WriteFile("page.png", packed(t, taken), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	// Fonts differ between machines, and so do pictures: what can be compared is their size.
	kept, err := os.ReadFile("page.png")
	if err != nil {
		t.Fatal(err)
	}
	size := func(data []byte) image.Point {
		config, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return image.Pt(config.Width, config.Height)
	}
	if size(kept) != size(taken) {
		t.Errorf("page.png is of %v, and the page of %v (-update takes it anew)", size(kept), size(taken))
	}
}

// packed is a picture in its 64 most frequent colours: a quarter of the bytes.
func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	bounds := picture.Bounds()
	count := map[color.Color]int{}
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			count[picture.At(x, y)]++
		}
	}
	frequent := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] })
	few := image.NewPaletted(bounds, frequent[:min(64, len(frequent))])
	draw.Draw(few, bounds, picture, image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Without WebAssembly, or with a generator that does not start, the page says so and gives
// the command.
func TestWithoutWebAssembly(t *testing.T) {
	peers.Program(t, "chromium")
	for _, arguments := range [][]string{{"--js-flags=--jitless"}, nil} {
		address, data := built(t)
		if arguments == nil {
			broken := bytes.Replace(data, []byte(`id="generator">`), []byte(`id="generator">AAAA`), 1)
			if err := os.WriteFile(strings.TrimPrefix(address, "file://"), broken, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		tab := peers.OpenTab(t, arguments...)
		tab.Navigate(address, `!document.getElementById("fallback").hidden`)
		fill(tab, map[string]any{"user": `CONTOSO\o'brien`, "scope-group": "Reschedule Users", "in-scope": "a@x\nb@x"})
		want := `exgrant script grant --user 'CONTOSO\o''brien' --scope-group 'Reschedule Users' --in-scope 'a@x' --in-scope 'b@x' -o grant.ps1 --undo undo.ps1`
		if got := tab.Text(`document.getElementById("fallback-command").textContent`); got != want {
			t.Errorf("%q: got  %s\nwant %s", arguments, got, want)
		}
		if tab.Eval(ready) != false {
			t.Errorf("%q: the page says that it is ready", arguments)
		}
	}
}

// Whoever fills in a field by its name need not know about the choices: a field makes
// its own, and the name of a scope is the scope itself where nothing else is.
func TestFieldsChoose(t *testing.T) {
	tab, _ := open(t)
	for _, c := range []struct {
		fields [][2]string // in this order
		want   string
	}{
		{[][2]string{{"user", "svc"}, {"scope-ou", "contoso.test/Staff"}}, "--user 'svc' --scope-ou 'contoso.test/Staff'"},
		{[][2]string{{"group", "G"}, {"scope-filter", "City -eq 'a'"}}, "--group 'G' --scope-filter 'City -eq ''a'''"},
		{[][2]string{{"member", "a\nb"}, {"role-group", "R"}, {"scope-name", "S"}}, "--role-group 'R' --member 'a' --member 'b' --scope-name 'S'"},
		{[][2]string{{"user", "svc"}, {"scope-group", "G"}, {"scope-name", "S"}}, "--user 'svc' --scope-group 'G' --scope-name 'S'"},
		{[][2]string{{"user", "svc"}, {"scope-name", "S"}, {"scope-group", "G"}}, "--user 'svc' --scope-group 'G' --scope-name 'S'"},
		{[][2]string{{"mailbox", "svc@x"}, {"scope-group", "G"}}, "--user 'svc@x' --mailbox 'svc@x' --scope-group 'G'"},
	} {
		fill(tab, map[string]any{"assignee": "user", "scope": "group"})
		for _, field := range c.fields {
			tab.Eval(fmt.Sprintf(`(() => { const e = document.querySelector('[name="%s"]'); e.value = %q; e.dispatchEvent(new Event("input", {bubbles: true})); })()`, field[0], field[1]))
		}
		if got, want := tab.Text(`document.getElementById("command").textContent`), "exgrant script grant "+c.want+" -o grant.ps1 --undo undo.ps1"; got != want {
			t.Errorf("%v: got  %s\nwant %s", c.fields, got, want)
		}
	}
}

// With the keyboard alone: every control can be reached, and typing gives a script.
func TestKeyboard(t *testing.T) {
	tab, _ := open(t)
	press := func(key, code string, keyCode int) {
		for _, kind := range []string{"rawKeyDown", "keyUp"} {
			tab.Call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "code": code, "windowsVirtualKeyCode": keyCode}, nil)
		}
	}
	var reached []string
	for range 40 {
		press("Tab", "Tab", 9)
		at := tab.Text(`document.activeElement.name || document.activeElement.id || document.activeElement.localName`)
		reached = append(reached, at)
		switch at {
		case "user":
			tab.Call("Input.insertText", map[string]any{"text": "svc"}, nil)
		case "scope-group":
			tab.Call("Input.insertText", map[string]any{"text": "G"}, nil)
		}
	}
	all := strings.Join(reached, " ")
	for _, want := range []string{"assignee", "user", "scope", "scope-group", "in-scope", "out-of-scope", "summary", "shown", "download", "copy", "script"} {
		if !strings.Contains(" "+all+" ", " "+want+" ") {
			t.Errorf("Tab does not reach %s: %s", want, all)
		}
	}
	if got := tab.Text(`document.getElementById("script").textContent`); !strings.Contains(got, "'svc'") {
		t.Error("no script was made")
	}
}

// Independent rules of accessibility find nothing, empty and filled in, in both schemes.
func TestAccessible(t *testing.T) {
	file := os.Getenv("EXGRANT_AXE")
	if file == "" {
		t.Skip("EXGRANT_AXE is not set: .ci/run --full sets it to axe.min.js")
	}
	axe, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tab, address := open(t)
	for _, scheme := range []string{"light", "dark"} {
		tab.View(1280, 900, scheme)
		tab.Navigate(address, ready)
		tab.Eval(string(axe) + "; true")
		for _, values := range append([]map[string]any{{}, {"user": "svc*"}}, forms...) {
			fill(tab, values)
			if found := tab.Text(`axe.run({resultTypes: ["violations"]}).then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html).join(" ")).join("\n"))`); found != "" {
				t.Errorf("%s, %v: %s", scheme, values, found)
			}
		}
	}
}
