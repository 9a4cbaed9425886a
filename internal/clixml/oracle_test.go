package clixml

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// oracle gives each file to PowerShell's own serializer, to the depth that its
// documents have, and writes what comes out of it beside.
const oracle = `
foreach ($file in [System.IO.Directory]::GetFiles($Folder, '*.in.xml')) {
    $out = $file -replace '\.in\.xml$', '.out.xml'
    try {
        $values = [System.Management.Automation.PSSerializer]::DeserializeAsList([System.IO.File]::ReadAllText($file))
        $text = [System.Management.Automation.PSSerializer]::Serialize($values, 20)
    } catch {
        $text = "error: $_"
    }
    [System.IO.File]::WriteAllText($out, $text)
}
'done'
`

// objects has what samples do not: containers, keys of several types, an
// enumeration, objects that are shared, both kinds of properties.
const objects = `<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">
<Obj RefId="0"><TN RefId="0"><T>A_x0020_B</T><T>System.Object</T></TN><ToString>one</ToString>
<Props><S N="Name">own</S><Obj N="In" RefId="1"><TNRef RefId="0" /><ToString>two</ToString><Props><I32 N="x">1</I32></Props></Obj></Props>
<MS><Ref N="Again" RefId="1" /><Nil N="Nothing" /><S N="_x005F_x0041_">not an A</S></MS></Obj>
<Obj RefId="2"><TN RefId="1"><T>System.Collections.Hashtable</T><T>System.Object</T></TN><DCT><En><I32 N="Key">1</I32><S N="Value">int</S></En><En><S N="Key">1</S><S N="Value">text</S></En></DCT></Obj>
<Obj RefId="3"><TN RefId="2"><T>System.Collections.Stack</T><T>System.Object</T></TN><STK><S>bottom</S><S>top</S></STK></Obj>
<Obj RefId="4"><TN RefId="3"><T>System.Collections.Queue</T><T>System.Object</T></TN><QUE><S>first</S><S>last</S></QUE></Obj>
<Obj RefId="5"><TN RefId="4"><T>System.DayOfWeek</T><T>System.Enum</T><T>System.ValueType</T><T>System.Object</T></TN><ToString>Friday</ToString><I32>5</I32></Obj>
<Obj RefId="6"><S>boxed</S><MS><I32 N="note">7</I32></MS></Obj></Objs>`

// PowerShell reads the documents of servers and what we write of them, and what it
// then writes has all of it, in the same order.
func TestEngineAgrees(t *testing.T) {
	folder := t.TempDir()
	tests := map[string][]any{}
	give := func(name string, text []byte, values []any) {
		tests[name] = values
		if err := os.WriteFile(filepath.Join(folder, name+".in.xml"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, values := range oracleValues(t) {
		text, err := Encode(values...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		give(name, text, values)
	}
	for _, d := range append(corpus(t), document{"objects.xml", []byte(objects)}) {
		if values := tests[d.name]; values != nil {
			give(d.name+" as it came", d.text, values)
		}
	}
	ran := peers.RunProcess(t, peers.Process{Args: []string{"-EncodedCommand", encoded("$Folder = '" + folder + "'\n" + oracle)}})
	if !strings.Contains(ran.Stdout, "done") || len(tests) < 100 {
		t.Fatalf("%d documents: %+v", len(tests), ran)
	}
	for name, values := range tests {
		out, err := os.ReadFile(filepath.Join(folder, name+".out.xml"))
		if err != nil {
			t.Fatal(err)
		}
		compareWithEngine(t, name, values, out)
	}
}

// oracleValues are the values that the engine is given, by document.
func oracleValues(t *testing.T) map[string][]any {
	all := map[string][]any{}
	for _, s := range samples {
		if _, secret := s.value.(SecureString); !secret { // it belongs to the machine that encrypted it
			all["samples"] = append(all["samples"], s.value)
		}
	}
	for _, d := range append(corpus(t), document{"objects.xml", []byte(objects)}) {
		values, err := Decode(d.text, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		foreign := slices.ContainsFunc(values, func(v any) bool { _, is := v.(*Unknown); return is }) // web.config and the like
		if len(d.text) < 200_000 && !foreign {                                                        // the rest says nothing else, and takes long
			all[d.name] = values
		}
	}
	return all
}

func compareWithEngine(t *testing.T, name string, values []any, out []byte) {
	if bytes.HasPrefix(out, []byte("error:")) {
		t.Errorf("%s: PowerShell does not read it: %.300s", name, out)
		return
	}
	got, err := Decode(out, Limits{})
	if err != nil {
		t.Errorf("%s: what PowerShell writes: %v", name, err)
		return
	}
	if list, ok := Base(got[0]).(*List); ok && len(got) == 1 {
		got = list.Items
	}
	want, have := meaning(values), meaning(got)
	if i := firstDifference(want, have); i >= 0 {
		t.Errorf("%s: fact %d of %d:\n%.300s\nbecame\n%.300s", name, i, len(want), at(want, i), at(have, i))
	}
}

// encoded is a script as -EncodedCommand takes it.
func encoded(script string) string {
	var b []byte
	for _, r := range script { // ASCII
		b = append(b, byte(r), 0)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// meaning lists what is in values but for what the engine changes when it reads: it
// makes one object of several references to it into several, orders hash tables
// anew, says of every type that it was deserialized, makes lists of what can only be
// enumerated, texts of script blocks, its own objects of certificates and addresses,
// indents XML anew, and writes the same moment in another zone.
func meaning(values []any) []string {
	w := walker{seen: map[*Object]int{}, expand: true, sorted: true, forget: func(v any) any {
		switch v := v.(type) {
		case ScriptBlock:
			return string(v)
		case XMLText:
			return XMLText("")
		case DateTime:
			if at, zoned, err := v.Time(); err == nil && zoned {
				return at.UTC().String()
			}
		case *Object:
			for _, own := range []string{"System.Security.Cryptography.X509Certificates.X509Certificate2", "System.Net.IPAddress"} {
				if v.HasType(own) {
					return own
				}
			}
		}
		return v
	}}
	for _, v := range values {
		w.value("", v)
	}
	for i, f := range w.facts {
		if w.facts[i] = strings.ReplaceAll(f, "Deserialized.", ""); f == fact("IE", "") {
			w.facts[i] = fact("LST", "")
		}
	}
	return w.facts
}
