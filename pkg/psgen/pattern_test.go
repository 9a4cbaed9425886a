package psgen

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/fault"
)

// patternExamples show what each regular expression of the scripts matches, between ⟦ and
// ⟧, and what it does not.
var patternExamples = map[string][]string{
	// Is this Exchange Online? A server's own address may look alike.
	cloudShell: {
		"⟦tmpEXO_⟧4x2yd1ow.abc ", "⟦ExchangeOnline⟧Management ", "Implicit remoting for https:⟦//outlook.office365.com/⟧powershell-liveid/ ",
		"for https:⟦//ps.outlook.com/⟧powershell ", "https:⟦//outlook.office365.us/⟧", "https:⟦//partner.outlook.cn:⟧443/", "https:⟦//outlook.office.de/⟧",
		"tmp_4x2yd1ow.abc Implicit remoting for http://ex01.contoso.test/PowerShell/ ", "http://outlook.company.com/powershell/ ", "http://outlook.com.contoso.test/ ",
		"https://office365.contoso.test/ ", "http://myoutlook.com/ ", "https://outlook.office.contoso.com/ ", "Microsoft.Exchange.Management.PowerShell.E2010 ",
	},

	// What an account or group is.
	`AccountDisabled`:           {"⟦AccountDisabled⟧, NormalAccount", "NormalAccount", "DoNotExpirePassword, NormalAccount"},
	`Disabled`:                  {"Account⟦Disabled⟧, NormalAccount", "NormalAccount", "DoNotExpirePassword, NormalAccount"},
	`NonUniversal|Distribution`: {"⟦NonUniversal⟧Group", "Mail⟦NonUniversal⟧Group", "MailUniversal⟦Distribution⟧Group", "UniversalSecurityGroup", "RoleGroup", "MailUniversalSecurityGroup"},

	// Filters. Texts in quotes stay as they are; blanks, and parentheses around a single condition, do not count.
	`('(?:[^']|'')*')|[\s()]`: {"MemberOfGroup⟦ ⟧-eq⟦ ⟧⟦'CN=O''Brien (x),OU=a b'⟧", "⟦(⟧City⟦ ⟧-eq⟦ ⟧⟦'a)'⟧⟦)⟧", "MemberOfGroup-eq"},
	`('(?:[^']|'')*')|\s`:     {"(City⟦ ⟧-eq⟦ ⟧⟦'O''Fallon  City'⟧)", "City-eq"},
	`'[^']*'`:                 {"City -eq ⟦'a -x'⟧ -or Name -like ⟦'O'⟧⟦'B*'⟧", "City -eq $null"},
	`-(and|or|not|eq|ne|like|notlike|lt|le|gt|ge)`: {"(City ⟦-eq⟧ ) ⟦-and⟧ ⟦-not⟧(Name ⟦-not⟧like ) ⟦-or⟧ a ⟦-ne⟧ b", "Id ⟦-lt⟧ , ⟦-le⟧ , ⟦-gt⟧ , ⟦-ge⟧ , ⟦-like⟧ ", "Name -contains , -match "},
	`-`: {"Name ⟦-⟧contains ", "(City  )  (Name like )"},

	// Commands as text.
	`['\u2018-\u201b]`: {"O⟦'⟧Brien ⟦‘⟧a⟦’⟧ ⟦‚⟧b⟦‛⟧", "\"a\" „b“ `c`"},
	`^New`:             {"⟦New⟧-ManagementScope", "Set-ManagementRoleAssignment", "Renew-X"},
	`Scope$`:           {"CustomRecipient⟦Scope⟧", "OU", "ScopeX"},
	`Member$`:          {"RoleGroup⟦Member⟧", "RoleGroup", "Members"},
	`RoleGroup`:        {"Add-⟦RoleGroup⟧Member", "Remove-⟦RoleGroup⟧", "Remove-ManagementScope"},
	`^(Name|Identity|Bypass.*|DomainController)$`: {"⟦Name⟧", "⟦Identity⟧", "⟦BypassSecurityGroupManagerCheck⟧", "⟦DomainController⟧", "Members", "RecipientRestrictionFilter", "CustomRecipientWriteScope"},

	// The script's own errors begin with their outcome.
	`^(failed|conflict|not-found|interrupted|customization-pending): `: {"⟦conflict: ⟧The name is in use", "⟦not-found: ⟧x", "⟦customization-pending: ⟧x", "Not found: x", "it failed: x", "failed:x"},
	`^failed: `: {"⟦failed: ⟧x", "it failed: x", "failed:x"},

	// Text in one line of ASCII.
	`\s+`:    {"a⟦\r\n  ⟧b⟦\t⟧c", "a-b"},
	`[^ -~]`: {"M⟦ü⟧nchen⟦\n⟧", "plain ~ text!"},

	// Audit: the last part of a canonical name, in which \/ is a slash of the name; what is left of an account.
	`^.*(?<!\\)/`:   {"⟦contoso.test/Users/⟧A\\/B", "⟦contoso.test/⟧x", "svc-reschedule", `A\/B`},
	`\\/`:           {`A⟦\/⟧B`, "A/B", `CONTOSO\x`},
	`^(?=.)`:        {"⟦⟧contoso.test/Staff", ""},
	`^Delegating.*`: {"⟦DelegatingOrgWide⟧", "⟦Delegating⟧", "Regular"},
	`^ForeignS|^\w+ ( |S-1-5-)|\nDEL:`: {"⟦ForeignS⟧ecurityPrincipal x through ", "⟦User  ⟧through ", "⟦User S-1-5-⟧21-1 through ", "User svc⟦\nDEL:⟧0a1b through ",
		"User svc through ", "RoleGroup S-1 through "},
	`^LinkedRoleGroup`:            {"⟦LinkedRoleGroup⟧ Partners through ", "RoleGroup Linked through "},
	`through Hygiene Management$`: {"User x ⟦through Hygiene Management⟧", "RoleGroup Hygiene Management through ", "User x through Hygiene Management 2"},

	// Field test: what may be shown, and how names are cut into parts.
	`^Version [0-9.]+ \(Build [0-9.]+\)$`: {"⟦Version 15.2 (Build 1748.10)⟧", "Version 15.2 (Build 1748.10) of contoso", "EX01"},
	`[^A-Za-z ]`:                          {"error Management⟦.⟧x⟦1⟧", "error Exception"},
	`(CN|OU|DC)(?==)|[^=,/\\@]+`:          {"⟦CN⟧=⟦a b⟧,⟦OU⟧=⟦c⟧,⟦DC⟧=⟦d⟧", `⟦CONTOSO⟧\⟦svc⟧`, "⟦anna⟧@⟦contoso.test⟧", "=,/"},
	`'((?:[^']|'')*)'|[^\s()']+`:          {"(⟦City⟧ ⟦-eq⟧ ⟦'O''F (x)'⟧)", " ( ) "},
	`^(-?(and|or|not|eq|ne|like|notlike|gt|ge|lt|le)|\$(true|false|null)|MemberOfGroup|DistinguishedName|` +
		`RecipientType(Details)?|CustomAttribute\d+|(Display)?Name|Alias|City|Department|Company|Office)$`: {
		"⟦-eq⟧", "⟦and⟧", "⟦$true⟧", "⟦MemberOfGroup⟧", "⟦RecipientTypeDetails⟧", "⟦CustomAttribute1⟧", "⟦DisplayName⟧", "⟦City⟧", "Berlin", "CustomAttribute", "'City'", "-contains"},
}

// TestPatterns: no regular expression needs a comment to be believed.
func TestPatterns(t *testing.T) {
	t.Parallel()
	examples, kinds := map[string][]string{}, map[string]int{}
	for pattern, marked := range patternExamples {
		examples[pattern] = []string{}
		for _, text := range marked {
			plain := strings.NewReplacer("⟦", "", "⟧", "").Replace(text)
			examples[pattern] = append(examples[pattern], plain)
			if plain == text {
				kinds[pattern] |= 1
			} else {
				kinds[pattern] |= 2
			}
		}
		if kinds[pattern] != 3 {
			t.Errorf("%s: only examples of one kind", pattern)
		}
	}
	var paths []string
	scripts := allScripts(t)
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		paths = append(paths, writeScript(t, name, scripts[name]))
	}
	r := engine.Run(t, peers.Job{Parameters: map[string]any{"Path": paths, "Examples": examples}, Command: `param([string[]]$Path, $Examples)
$seen = @{}
foreach ($file in $Path) {
    $tree = [System.Management.Automation.Language.Parser]::ParseFile($file, [ref]$null, [ref]$null)
    $found = foreach ($node in $tree.FindAll({ $true }, $true)) {
        $kind = $node.GetType().Name
        if ($kind -eq 'BinaryExpressionAst' -and "$($node.Operator)" -match 'match|replace|split') {
            if ($node.Right.GetType().Name -eq 'ArrayLiteralAst') { $node.Right.Elements[0] } else { $node.Right }
        }
        if ($kind -eq 'InvokeMemberExpressionAst' -and "$($node.Expression)" -eq '[regex]') { $node.Arguments[1] }
        if ($kind -eq 'SwitchStatementAst' -and "$($node.Flags)" -match 'Regex') { $node.Clauses | ForEach-Object { $_.Item1 } }
    }
    foreach ($node in $found) {
        if ("$node" -match '^\$(cloud|own|Denied|NotDenied|QuotedName)$') { # the value is where it is assigned
            $node = @($tree.FindAll({ $args[0].GetType().Name -eq 'AssignmentStatementAst' -and "$($args[0].Left)" -eq "$node" }, $true))[0].Right
        }
        $seen["$node"] = [System.IO.Path]::GetFileName($file)
    }
}
$Report = @{ outcome = 'failed' }
foreach ($text in $seen.Keys) {
    if ('$pattern', '$unless' -contains $text) { continue } # the table of faults
    [PSCustomObject]@{ Pattern = & ([scriptblock]::Create($text)); File = $seen[$text] }
}
foreach ($pattern in $Examples.Keys) {
    foreach ($text in $Examples[$pattern]) {
        $marked = [regex]::Replace($text, $pattern, { param($match) [char]0x27E6 + $match.Value + [char]0x27E7 }, 'IgnoreCase')
        [PSCustomObject]@{ Pattern = $pattern; Example = $text; Marked = $marked }
    }
}`})
	if len(r.Errors) > 0 {
		t.Fatal(r.Console)
	}
	used := map[string]bool{}
	for _, o := range r.Output {
		pattern, _ := o.Property("Pattern").(string)
		if file, ok := o.Property("File").(string); ok {
			if used[pattern] = true; patternExamples[pattern] == nil && !decides(pattern) {
				t.Errorf("%s: no example of %s", file, pattern)
			}
			continue
		}
		if got, _ := o.Property("Marked").(string); !slices.Contains(patternExamples[pattern], got) {
			t.Errorf("%s matches %q", pattern, got)
		}
	}
	for pattern := range patternExamples {
		if !used[pattern] {
			t.Errorf("no script has %s", pattern)
		}
	}
	if len(used) < 30 {
		t.Errorf("only %d patterns were found", len(used))
	}
}

// decides reports whether a pattern is one of package fault, which has examples of it.
func decides(pattern string) bool {
	return pattern == asciiPattern(fault.QuotedName) || slices.ContainsFunc(fault.Decisions(), func(d fault.Decision) bool {
		return pattern == asciiPattern(d.Pattern) || pattern == asciiPattern(d.Unless)
	})
}
