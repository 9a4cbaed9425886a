package render

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/report"
)

// saved writes a page where a browser finds it, and returns its address.
func saved(t *testing.T, reports ...*report.Report) (address, dir string) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "page.html")
	if err := os.WriteFile(path, []byte(html(t, reports...)), 0o666); err != nil {
		t.Fatal(err)
	}
	return "file://" + path, dir
}

// A scheme is what a browser prefers, in Chromium's numbers.
type scheme int

const (
	dark  scheme = 0
	light scheme = 1
)

func (s scheme) flag() string { return "--blink-settings=preferredColorScheme=" + strconv.Itoa(int(s)) }

func screenshot(t *testing.T, address, dir string, s scheme, width, height int) image.Image {
	t.Helper()
	file := filepath.Join(dir, "page.png")
	peers.Browse(t, s.flag(), "--window-size="+strconv.Itoa(width)+","+strconv.Itoa(height), "--screenshot="+file, address)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// brightness is that of the page's corner, which is background: 0 to 255.
func brightness(picture image.Image) uint32 {
	r, g, b, _ := picture.At(2, 2).RGBA()
	return (r + g + b) / 3 >> 8
}

// lastRow is the last row of a picture that is not background.
func lastRow(picture image.Image) int {
	bounds, background := picture.Bounds(), picture.At(2, 2)
	for y := bounds.Max.Y - 1; y >= 0; y-- {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			if picture.At(x, y) != background {
				return y
			}
		}
	}
	return 0
}

// A real browser shows the page by its own style, which its policy must let
// through, in both schemes and as narrow as a telephone.
func TestBrowserShowsThePage(t *testing.T) {
	address, dir := saved(t, sampleReport())
	const tall = 4000
	for _, view := range []struct {
		name   string
		scheme scheme
		width  int
	}{{"light", light, 1000}, {"dark", dark, 1000}, {"dark and narrow", dark, 400}} {
		picture := screenshot(t, address, dir, view.scheme, view.width, tall)
		if size := picture.Bounds().Size(); size.X != view.width || size.Y != tall {
			t.Errorf("%s: the picture is %v", view.name, size)
		}
		if b := brightness(picture); (b > 128) != (view.scheme == light) {
			t.Errorf("%s: the background's brightness is %d", view.name, b)
		}
		if y := lastRow(picture); y < 1000 || y > tall-100 {
			t.Errorf("%s: the page ends at row %d", view.name, y)
		}
	}
}

// What the browser made of the page is what was written: text stays text, and
// nothing of a report becomes a tag.
func TestBrowserReadsThePage(t *testing.T) {
	hostile := sampleReport()
	hostile.Proof[1].Mailbox = `<img src=x onerror="document.title='run'">`
	hostile.Findings[1].Text = `</style></title><script>document.title='run'</script>`
	hostile.Steps[2].Command = `New-X -Name '<b>a  b</b>'`
	address, _ := saved(t, hostile, sampleReport())
	page := peers.Browse(t, "--dump-dom", address)
	for _, wanted := range []string{
		"<title>2 grants: 2 granted - exgrant</title>",
		`<bdi>&lt;img src=x onerror="document.title='run'"&gt;</bdi>`,
		`&lt;/style&gt;&lt;/title&gt;&lt;script&gt;document.title='run'&lt;/script&gt;`,
		`<code>New-X -Name '&lt;b&gt;a  b&lt;/b&gt;'</code>`,
		`<html lang="en">`, `<h2 id="part-1">granted: the grant is in place</h2>`, `<h3 id="part-2-undo">Undo</h3>`,
	} {
		if !strings.Contains(page, wanted) {
			t.Errorf("the page lacks %s", wanted)
		}
	}
	for _, tag := range []string{"<img", "<script", "<b>a  b"} {
		if strings.Contains(page, tag) {
			t.Errorf("the page has a %s", tag)
		}
	}
}

// Each report of a printed page begins on a sheet of its own.
func TestBrowserPrintsThePage(t *testing.T) {
	address, dir := saved(t, several()...)
	file := filepath.Join(dir, "page.pdf")
	peers.Browse(t, dark.flag(), "--no-pdf-header-footer", "--print-to-pdf="+file, address)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sheets := bytes.Count(data, []byte("/Type /Page\n"))
	if !bytes.HasPrefix(data, []byte("%PDF-")) || sheets < 4 || sheets > 12 {
		t.Errorf("%d sheets in %d bytes", sheets, len(data))
	}
}

// Axe is the usual checker of accessibility. It is JavaScript, which the page's
// policy would keep out: it runs in a copy without the policy.
func TestAccessible(t *testing.T) {
	file := os.Getenv("EXGRANT_AXE")
	if file == "" {
		t.Skip("EXGRANT_AXE is not set: .ci/run --full sets it to axe.min.js")
	}
	axe, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, reports := range map[string][]*report.Report{"one": {sampleReport()}, "several": several(), "diagnosis": {sampleDiagnosis()}} {
		page := html(t, reports...)
		policy := page[strings.Index(page, `<meta http-equiv="Content-Security-Policy"`):]
		policy = policy[:strings.Index(policy, "\n")]
		page = strings.Replace(page, policy, "<script>"+string(axe)+"</script>", 1)
		page = strings.Replace(page, "</body>", `<script>
axe.run({resultTypes: ["violations"]}).then(r => {
  const lines = r.violations.flatMap(v => v.nodes.map(n => v.impact + " " + v.id + ": " + n.target + ": " + n.failureSummary));
  document.body.replaceChildren(document.createElement("pre"));
  document.body.firstChild.textContent = "passes: " + r.passes.length + "\n" + lines.join("\n");
});
</script></body>`, 1)
		path := filepath.Join(t.TempDir(), "page.html")
		if err := os.WriteFile(path, []byte(page), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, s := range []scheme{light, dark} {
			for _, width := range []int{1000, 400} {
				result := peers.Browse(t, s.flag(), "--window-size="+strconv.Itoa(width)+",900", "--virtual-time-budget=20000", "--dump-dom", "file://"+path)
				_, result, _ = strings.Cut(result, "<pre>")
				result, _, _ = strings.Cut(result, "</pre>")
				passes, violations, _ := strings.Cut(result, "\n")
				if n, err := strconv.Atoi(strings.TrimPrefix(passes, "passes: ")); err != nil || n < 15 || violations != "" {
					t.Errorf("%s, scheme %d, %d wide: %s", name, s, width, result)
				}
			}
		}
	}
}
