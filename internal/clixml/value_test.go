package clixml

import (
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// samples holds every kind of value as it is written (MS-PSRP 2.2.5).
var samples = []struct {
	text  string
	value any
}{
	{`<Nil />`, nil},
	{`<S></S>`, ""},
	{`<S>a &lt;b&gt; &amp; "c" 'd' é漢😀</S>`, `a <b> & "c" 'd' é漢😀`},
	{`<S>line_x000D__x000A_next_x0009_tab_x0000_</S>`, "line\r\nnext\ttab\x00"},
	{`<S>_x005F_x0041_ _x0041 x0041_</S>`, "_x0041_ _x0041 x0041_"},
	{`<S>_xD83D__xDE00_</S>`, "😀"},
	{`<S>_xD83D_ alone</S>`, "\xED\xA0\xBD alone"},
	{`<C>65</C>`, Char('A')},
	{`<B>true</B>`, true},
	{`<B>false</B>`, false},
	{`<SB>-128</SB>`, int8(-128)},
	{`<By>255</By>`, uint8(255)},
	{`<I16>-32768</I16>`, int16(-32768)},
	{`<U16>65535</U16>`, uint16(65535)},
	{`<I32>-2147483648</I32>`, int32(math.MinInt32)},
	{`<U32>4294967295</U32>`, uint32(math.MaxUint32)},
	{`<I64>-9223372036854775808</I64>`, int64(math.MinInt64)},
	{`<U64>18446744073709551615</U64>`, uint64(math.MaxUint64)},
	{`<Sg>1.5</Sg>`, float32(1.5)},
	{`<Db>-INF</Db>`, math.Inf(-1)},
	{`<Db>0.1</Db>`, 0.1},
	{`<D>-79228162514264337593543950335</D>`, Decimal("-79228162514264337593543950335")},
	{`<DT>2008-04-11T10:42:32.2731993-07:00</DT>`, DateTime{"2008-04-11T10:42:32.2731993-07:00"}},
	{`<DT>2011-06-11T10:42:32</DT>`, DateTime{"2011-06-11T10:42:32"}},
	{`<TS>P1DT2H3M4.5S</TS>`, Duration{"P1DT2H3M4.5S"}},
	{`<BA>AQIDBA==</BA>`, []byte{1, 2, 3, 4}},
	{`<G>792e5b37-4505-47ef-b7d2-8711bb7affa8</G>`, GUID("792e5b37-4505-47ef-b7d2-8711bb7affa8")},
	{`<URI>http://www.microsoft.com/</URI>`, URI("http://www.microsoft.com/")},
	{`<Version>6.2.1.3</Version>`, Version("6.2.1.3")},
	{`<XD>&lt;name attribute="value"&gt;Content&lt;/name&gt;</XD>`, XMLText(`<name attribute="value">Content</name>`)},
	{`<SBK>get-command -type cmdlet</SBK>`, ScriptBlock("get-command -type cmdlet")},
	{`<SS>bnVsbA==</SS>`, SecureString("bnVsbA==")},
}

func TestValues(t *testing.T) {
	for _, s := range samples {
		values, err := Decode([]byte(s.text), Limits{})
		if err != nil || len(values) != 1 {
			t.Errorf("%s: %v, %v", s.text, values, err)
			continue
		}
		if diff := cmp.Diff(s.value, values[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.text, diff)
		}
		written, err := Append(nil, s.value)
		if err != nil {
			t.Errorf("%#v: %v", s.value, err)
			continue
		}
		again, err := Decode(written, Limits{})
		if diff := cmp.Diff([]any{s.value}, again); diff != "" || err != nil {
			t.Errorf("%#v was written as %s: %v\n%s", s.value, written, err, diff)
		}
	}
}

const shared = `<Obj RefId="0"><TN RefId="0"><T>A</T><T>B</T></TN><ToString>one</ToString>
<DCT><En><I32 N="Key">1</I32><S N="Value">int</S></En><En><S N="Key">1</S><Ref N="Value" RefId="1" /></En></DCT>
<Props><Obj N="Name_x0020_1" RefId="1"><TNRef RefId="0" /><STK><S>top</S><Ref RefId="0" /></STK></Obj><IEX N="New" a="b">kept <S>whole</S></IEX></Props>
<MS><S N="Name_x0020_1">other</S></MS></Obj>`

// References forward and round in circles, names with escapes, keys of any type,
// both kinds of properties and elements that nobody knows.
func TestObjects(t *testing.T) {
	values, err := Decode([]byte(shared), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	o := values[0].(*Object)
	entries := o.Value.(*Dictionary).Entries
	inner, ok := entries[1].Value.(*Object)
	if !ok || entries[0].Key != int32(1) || entries[1].Key != "1" {
		t.Fatalf("entries %+v", entries)
	}
	stack := inner.Value.(*List)
	if stack.Kind != StackOf || len(stack.Items) != 2 || stack.Items[1] != any(o) || inner.TypeNames[1] != "B" {
		t.Errorf("stack %+v of %v", stack, inner.TypeNames)
	}
	if o.Props[0].Name != "Name 1" || o.Props[0].Value != any(inner) || len(o.Members) != 1 {
		t.Errorf("properties %+v, %+v", o.Props, o.Members)
	}
	unknown, ok := o.Props[1].Value.(*Unknown)
	if !ok || unknown.Element != "IEX" || !strings.Contains(unknown.XML, "kept <S>whole</S>") {
		t.Errorf("unknown %+v", o.Props[1].Value)
	}
	written, err := Encode(values...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(written, Limits{})
	if diff := difference(values, again); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// One message of a server with a JEA configuration, recorded by pypsrp's tests (MIT
// licence): PowerShell wraps an object in an object.
const wrapped = `<Obj RefId="0"><TN RefId="0"><T>Microsoft.WSMan.Management.WSManConfigLeafElement</T><T>System.Object</T></TN><ToString>leaf</ToString>` +
	`<Obj RefId="1"><TNRef RefId="0" /><Props><S N="Value">true</S><S N="Name">AllowUnencrypted</S></Props><MS><S N="PSChildName">AllowUnencrypted</S></MS></Obj>` +
	`<MS><S N="PSChildName">outer</S><B N="PSIsContainer">false</B></MS></Obj>`

func TestWrappedObject(t *testing.T) {
	values, err := Decode([]byte(wrapped), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	o := values[0].(*Object)
	for name, want := range map[string]any{"PSChildName": "outer", "PSIsContainer": false, "Value": "true", "name": "AllowUnencrypted"} {
		if got, ok := o.Prop(name); !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	written, err := Encode(values...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(written, Limits{})
	if diff := difference(values, again); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	circle, err := Decode([]byte(`<Obj RefId="0"><Obj RefId="1"><Ref RefId="0" /></Obj></Obj>`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := circle[0].(*Object).Prop("x"); ok || Base(circle[0]) != nil {
		t.Errorf("a circle has the property %v and the value %v", v, Base(circle[0]))
	}
}

// powershell.exe writes its standard error in the console's code page.
func TestBytesThatAreNoUTF8(t *testing.T) {
	const text = "<Obj RefId=\"0\"><MS><S N=\"A\">Module f\x81r das erste Mal</S></MS></Obj><S>\xff\xfe</S>"
	want := []string{"Module f\uFFFDr das erste Mal", "\uFFFD\uFFFD"}
	values, err := Decode([]byte(text), Limits{})
	if err != nil || len(values) != 2 {
		t.Fatal(values, err)
	}
	first, _ := values[0].(*Object).Prop("A")
	if first != want[0] || values[1] != want[1] {
		t.Errorf("read %q, %q", first, values[1])
	}
	d := NewDecoder(strings.NewReader(text+"<S>"), Limits{})
	for range 2 {
		if _, err = d.Next(); err != nil {
			t.Fatal(err)
		}
	}
	_, err = d.Next()
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != int64(len(text)+len("<S>")) {
		t.Errorf("the place of the error is that in the input, %d, not %v", len(text)+3, err)
	}
}

// What a document costs is of the order of its length, whatever it is made of.
func TestCost(t *testing.T) {
	const n = 40_000
	repeat := func(s string) string { return strings.Repeat(s, n) }
	numbered := func(format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"attributes":      `<Obj ` + numbered(` a%x=""`) + `/>`,
		"member sets":     `<Obj RefId="0">` + repeat(`<MS><S N="a">b</S></MS>`) + `</Obj>`,
		"nothing":         `<Obj RefId="0"><LST>` + repeat(`<Nil/>`) + `</LST></Obj>`,
		"objects":         `<Obj RefId="0"><LST>` + repeat(`<Obj/>`) + `</LST></Obj>`,
		"type references": `<Obj RefId="0"><LST>` + repeat(`<Obj><TNRef RefId="9"/></Obj>`) + `</LST></Obj>`,
		"numbers":         `<Obj><LST>` + numbered(`<Obj RefId="%x"/>`) + `</LST></Obj>`,
		"references":      `<Obj RefId="0"><LST>` + repeat(`<Ref RefId="0"/>`) + `</LST></Obj>`,
		"forward":         `<Obj><LST>` + numbered(`<Ref RefId="%x"/>`) + `</LST></Obj>`,
		"comments":        `<Obj RefId="0">` + repeat(`<!---->`) + `</Obj>`,
		"CDATA":           `<S>` + repeat(`<![CDATA[x]]>`) + `</S>`,
		"escapes":         `<S>` + repeat(`_x0041_`) + `</S>`,
		"bytes":           `<S>` + repeat("\xff\x81") + `</S>`,
		"entries":         `<Obj><DCT>` + repeat(`<En><S N="Key">a</S><S N="Value">b</S></En>`) + `</DCT></Obj>`,
		"wrapped":         repeat(`<Obj>`) + repeat(`</Obj>`),
		"unknown":         repeat(`<X>`) + repeat(`</X>`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode([]byte(text), Limits{})
		runtime.ReadMemStats(&after)
		// An element of six bytes costs an Object and its places in two slices.
		if cost := (after.TotalAlloc - before.TotalAlloc) / uint64(len(text)); cost > 100 {
			t.Errorf("%s: %d bytes are allocated for each of %d (%.100v)", name, cost, len(text), err)
		}
	}
}

// powershell.exe writes several documents behind each other on standard error.
func TestSeveralDocuments(t *testing.T) {
	const one = `<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj S="progress" RefId="0"><MS><I64 N="SourceId">1</I64></MS></Obj><S S="Error">boom_x000D__x000A_</S></Objs>`
	values, err := Decode([]byte("#< CLIXML\r\n"+one+"\r\n#< CLIXML\r\n"+one), Limits{})
	if err != nil || len(values) != 4 || values[3] != "boom\r\n" {
		t.Errorf("%d values, %v", len(values), err)
	}
	d := NewDecoder(strings.NewReader(one), Limits{})
	var streams []string
	for {
		_, err := d.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, d.Stream())
	}
	if diff := cmp.Diff([]string{"progress", "Error"}, streams); diff != "" {
		t.Error(diff)
	}
}

func TestLimits(t *testing.T) {
	deep := `<Obj RefId="0"><Props>` + strings.Repeat(`<Obj N="x" RefId="1"><Props>`, 50) + strings.Repeat(`</Props></Obj>`, 51)
	for want, test := range map[string]struct {
		text   string
		limits Limits
	}{
		"depth":      {deep, Limits{Depth: 10}},
		"size":       {"<S>" + strings.Repeat("x", 100) + "</S>", Limits{Size: 50}},
		"nodes":      {strings.Repeat("<Nil />", 20), Limits{Nodes: 10}},
		"references": {`<Obj RefId="0"><LST>` + strings.Repeat(`<Ref RefId="0" />`, 20) + `</LST></Obj>`, Limits{References: 10}},
		"attributes": {`<Obj ` + strings.Repeat(`a="" `, 20) + `/>`, Limits{}},
	} {
		_, err := Decode([]byte(test.text), test.limits)
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Limit != want {
			t.Errorf("%s: %v", want, err)
		}
		d := NewDecoder(strings.NewReader(test.text), test.limits)
		for err = nil; err == nil; {
			_, err = d.Next()
		}
		if !errors.As(err, &limit) || limit.Limit != want {
			t.Errorf("%s, as a stream: %v", want, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, text := range []string{
		`<S>`, `<S>x`, `<S>x</B>`, `<I32>x</I32>`, `<I32>2147483648</I32>`, `<B>maybe</B>`, `<G>nonsense</G>`, `<BA>***</BA>`, `<DT>yesterday</DT>`,
		`<!DOCTYPE x [<!ENTITY a "b">]><S>&a;</S>`, `<S>&nbsp;</S>`, `<Obj RefId="0"><Ref RefId="9" /></Obj>`, `<Obj RefId="0"><TNRef RefId="9" /></Obj>`,
		`<S N=>x</S>`, `text`, `<Obj RefId="0"><MS /><MS /></Obj>`, `<Obj RefId="0"><S>a</S><Obj RefId="1" /></Obj>`,
	} {
		values, err := Decode([]byte(text), Limits{})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: %v, %v", text, values, err)
		}
	}
	for _, v := range []any{struct{}{}, 5, &List{}, GUID("x"), Decimal("1,5"), DateTime{"yesterday"}, Version("a"), SecureString("in clear"), "\xff"} {
		if text, err := Append(nil, v); err == nil {
			t.Errorf("%#v is written as %s", v, text)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s.text))
	}
	f.Add([]byte(shared))
	f.Add([]byte(wrapped))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{Size: 1 << 16, Nodes: 2000, Depth: 40}
		values, err := Decode(data, limits)
		if err != nil {
			return
		}
		written, err := Encode(values...)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Decode(written, Limits{})
		if diff := difference(values, again); err != nil || diff != "" {
			t.Errorf("%v %s\nin %s", err, diff, written)
		}
	})
}
