package psgen_test

import (
	"math/rand"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// filterTexts are filters and what is nearly one: the places where two parsers of
// the same language like to differ.
var filterTexts = []string{
	"", " ", "{", "}", "{}", "()", "A", "A -eq", "A -eq 'x", `A -eq "x`, "A -eq 'x''", "A -eq 'x'''", "A -eq ''''", `A -eq """"`,
	"MemberOfGroup -eq 'CN=Reschedule Users,OU=Groups,DC=contoso,DC=test'",
	"((MemberOfGroup -eq 'CN=x,DC=y') -and (RecipientTypeDetails -eq 'UserMailbox'))",
	"((Alias -ne $null -and C -eq 'us') -and -not(Name -like 'SystemMailbox {*') -and -not(Name -like 'CAS_{*'))",
	`{ City -Eq "Seattle" }`, "{A -eq 1} ", "\r\n{\tA -eq 1\n}\r\n", "{A -eq 1}}", "{{A -eq 1}}", "{A -eq '}'", "{A -eq '}'}", "{A -eq 1} -or {B -eq 2}", "({A -eq 1})",
	"A -eq $true", "A -eq $TRUE", "A -eq 'true'", "A -eq $null", "A -eq 'null'", "A -eq NULL", "A -eq '$null'", "A -eq $nul", "A -eq $", "A -eq $true1", "A -eq $true)", "A -eq `$true",
	"A -eq 'i'", "A -eq 'I'", "A -eq 'ı'", "A -eq 'İ'", "A -eq '\u212a'", "A -eq 'ſ'", "A -eq 'ß'", "A -eq 'ẞ'", "A -eq 'müller'", "A -eq 'MÜLLER'", "A -eq 'ως'", "A -eq 'ΩΣ'",
	"A -eq '𐐨'", "A -eq '𐐀'", "A -eq 'ǆ'", "A -eq 'ǅ'", "A -eq 'é'", "A -eq 'e\u0301'", "A -eq '‘x’'", "A -eq ‘x’", "A –eq 'x'", "A\u00a0-eq 'x'", "A\v-eq 'x'", "A\f-eq 'x'", "A\x00-eq 'x'", "Ä -eq 'x'",
	"A -eq 'a\nb'", "A -eq\t'x'", "A-eq 'x'", "A-eq'x'-and!B-eq'y'", "A- eq 'x'", "A -eq-x", "A -eq -5", "A -eq -x", "A -eq -", "A -eq --", "A -eq 5-and B -eq 6", "A -eq 'x'-andB -eq 'y'",
	"A -eq x.y:z/\\@*?+-", "A -eq x,y", "A -eq x;y", "A -eq x$y", "A -eq x'y'", "A -eq 'x'y", "A -eq {x}", "A.b -eq 'x'", "9A -eq 'x'", "_A -eq 'x'", "A_9 -eq 'x'", "'A' -eq 'x'", "A -EQ 'x'", "A -Eq'x'",
	"A -match 'x'", "A -ieq 'x'", "A -not 'x'", "-eq 'x'", "-not", "!", "!!!A -eq 1", "! ! A -eq 1", "-not-not A -eq 1", "-not -not A -eq 1", "-not!A -eq 1", "!-not A -eq 1", "-NOT(A -eq 1)", "-nota -eq 1", "!(A -eq 1", "A -eq 1)",
	"A -eq 1 -or B -eq 2 -and C -eq 3", "A -eq 1 -and B -eq 2 -or C -eq 3", "A -eq 1 -and (B -eq 2 -and C -eq 3)", "A -eq 1 -and !!(B -eq 2 -and C -eq 3)", "A -eq 1 -and !(B -eq 2 -and C -eq 3)", "-not A -eq 1 -or B -eq 2",
	"A -eq 1 -xor B -eq 2", "A -eq 1 and B -eq 2", "A -eq 1 -and", "-and A -eq 1", "A -eq 1 -and -or B -eq 2", "A -eq 1 B -eq 2", "A -eq 1, B -eq 2",
	strings.Repeat("(", 256) + "A -eq 1" + strings.Repeat(")", 256),
	strings.Repeat("(", 257) + "A -eq 1" + strings.Repeat(")", 257),
	strings.Repeat("!", 256) + "A -eq 1", strings.Repeat("!", 257) + "A -eq 1",
	strings.Repeat("!(", 128) + "A -eq 1" + strings.Repeat(")", 128), strings.Repeat("(!", 129) + "A -eq 1" + strings.Repeat(")", 129),
	strings.Repeat("(!A -eq 1) -and ", 300) + "A -eq 1", strings.Repeat("!A -eq 1 -or ", 300) + "A -eq 1",
	"A -eq '" + strings.Repeat("''", 16379) + "'", "A -eq '" + strings.Repeat("x", 32760) + "'", "A -eq '" + strings.Repeat("x", 32761) + "'",
	"A -eq '" + strings.Repeat("é", 16380) + "'", "A -eq '" + strings.Repeat("é", 16381) + "'", strings.Repeat("A -eq 1 -and ", 600) + "A -eq 1",
}

// randomFilters returns n texts, about half of them filters: few different
// conditions in many renderings, some with a token or a character changed.
func randomFilters(random *rand.Rand, n int) []string {
	out := make([]string, n)
	for i := range out {
		text := randomFilter(random, 3)
		for random.Intn(2) == 0 {
			text = damaged(text, random)
		}
		out[i] = text
	}
	return out
}

func pick(random *rand.Rand, choices ...string) string { return choices[random.Intn(len(choices))] }

func randomFilter(random *rand.Rand, depth int) string {
	space := func() string { return pick(random, "", " ", " ", "  ", "\t") }
	inner := func() string { return randomFilter(random, depth-1) }
	kind := 0
	if depth > 0 {
		kind = random.Intn(8)
	}
	switch kind {
	case 1, 2:
		return inner() + " " + pick(random, "-and", "-AND", "-or", "-Or") + " " + inner()
	case 3:
		return "(" + space() + inner() + space() + ")"
	case 4:
		return pick(random, "!", "-not ", "-Not", "! !") + "(" + inner() + ")"
	case 5:
		return pick(random, "-not ", "!", "!!") + inner()
	}
	value := pick(random, "'x'", "'X'", `"x"`, "x", "''", "'o''b'", `"O'B"`, "'a\"b'", `"a""b"`, "$true", "$Null", "true", "5", "-5", "'é'", "'É'", "'‘'")
	return pick(random, "A", "a", "B") + " " + space() + pick(random, "-eq", "-EQ", "-ne", "-like", "-notlike", "-lt", "-le", "-gt", "-ge") + space() + value
}

func damaged(s string, random *rand.Rand) string {
	letters := []rune(s)
	i := random.Intn(len(letters) + 1)
	switch random.Intn(4) {
	case 0:
		return string(letters[:i])
	case 1:
		if i < len(letters) {
			return string(letters[:i]) + string(letters[i+1:])
		}
	case 2:
		return "{" + s + "}"
	}
	return string(letters[:i]) + pick(random, "'", `"`, "(", ")", "{", "}", "!", "-", " ", "$", "x", "-and", "''", "’", "\u00a0", ",", " -or ") + string(letters[i:])
}

// The scripts must find two filters equal exactly when exchange.EqualFilters does,
// and take for a filter what exchange.ParseFilter takes.
func TestFilterKeyAsExchange(t *testing.T) {
	engine := peers.StartEngine(t)
	texts := append(randomFilters(rand.New(rand.NewSource(1)), 2500), filterTexts...)
	script := filepath.Join(peers.ModuleRoot(t), "pkg", "psgen", "body", "filter.ps1")
	r := engine.Run(t, peers.Job{
		Command: `param([string]$Script, [string[]]$Texts)
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
. $Script
foreach ($text in $Texts) { "=$(ConvertTo-ExgFilterKey -Filter $text)" }`,
		Parameters: map[string]any{"Script": script, "Texts": texts},
	})
	if len(r.Errors) > 0 || len(r.Output) != len(texts) {
		t.Fatalf("%d keys for %d texts, errors %v", len(r.Output), len(texts), r.Errors)
	}
	keys := map[string]int{}
	for i, text := range texts {
		want := "="
		f, err := exchange.ParseFilter(text)
		if err == nil {
			want += exchange.FilterKey(f)
		}
		if got := r.Output[i].Text; got != want {
			t.Errorf("%.200q (%v):\nscript   %.300s\nexchange %.300s", text, err, got, want)
		}
		keys[want]++
	}
	t.Logf("%d texts, %d no filters, %d different conditions, %v", len(texts), keys["="], len(keys)-1, r.Duration)
	if keys["="] < 500 || len(keys) < 400 || len(texts)-keys["="] < len(keys)+200 {
		t.Error("the texts do not cover enough: filters, no filters, and equal ones")
	}
}

// The scripts must join two filters to the condition that exchange.FilterOfBoth
// gives, and refuse what it refuses.
func TestFilterOfBothAsExchange(t *testing.T) {
	engine := peers.StartEngine(t)
	const count = 600
	texts := append(randomFilters(rand.New(rand.NewSource(2)), count), filterTexts...)
	partners := randomFilters(rand.New(rand.NewSource(3)), len(texts))
	body := filepath.Join(peers.ModuleRoot(t), "pkg", "psgen", "body")
	r := engine.Run(t, peers.Job{
		Command: `param([string]$Body, [string[]]$Texts, [string[]]$Partners)
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
. "$Body/filter.ps1"
. "$Body/exclusive.ps1"
for ($i = 0; $i -lt $Texts.Count; $i++) {
    $joined = Join-ExgFilter -Filter $Texts[$i], $Partners[$i]
    if ($null -eq $joined) { '' } else { "=$joined" }
}`,
		Parameters: map[string]any{"Body": body, "Texts": texts, "Partners": partners},
	})
	if len(r.Errors) > 0 || len(r.Output) != len(texts) {
		t.Fatalf("%d filters for %d pairs, errors %v", len(r.Output), len(texts), r.Errors)
	}
	key := func(filter string) string {
		f, err := exchange.ParseFilter(filter)
		if err != nil {
			return err.Error()
		}
		return exchange.FilterKey(f)
	}
	joined := 0
	for i, text := range texts {
		want, err := exchange.FilterOfBoth(text, partners[i])
		got, ok := strings.CutPrefix(r.Output[i].Text, "=")
		if ok != (err == nil) {
			t.Errorf("%.200q and %.200q: the script says %.300q, exchange %.300q, %v", text, partners[i], got, want, err)
			continue
		}
		if err != nil || len(text) > exchange.MaxFilterDepth/2 {
			continue // both together may be deeper than a filter may be
		}
		if joined++; got != "" && key(got) != key(want) {
			t.Errorf("%.200q and %.200q: the script says %.300q, exchange %.300q", text, partners[i], got, want)
		}
	}
	if joined < count/6 {
		t.Errorf("%d pairs of filters were joined", joined)
	}
}
