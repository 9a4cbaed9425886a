package scriptproxy

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
)

var (
	//go:embed module.psm1
	moduleBody string
	//go:embed online.psm1
	onlineBody string
)

// isOnline reports whether a module's name is that of an Exchange Online shell.
func isOnline(module string) bool { return strings.HasPrefix(module, "tmpEXO_") }

// serverOf is the computer that the session of a module is connected to.
func serverOf(module string) string {
	if isOnline(module) {
		return "outlook.office365.com"
	}
	return "ex01.contoso.test"
}

// WriteModule writes the module of a session into the folder DIR/NAME, where NAME is
// what implicit remoting calls it (Session.Module), and returns the path of its manifest. The
// folder must not exist yet. It is readable by the user alone, since it holds the
// token.
//
// Import the manifest by its path before the script runs. With dir in PSModulePath
// PowerShell loads the module by itself, but only at the first Exchange cmdlet: what
// the script did with Get-Date before then was with the computer's time.
//
// Address is where a Handler of the same session and token listens, such as
// http://127.0.0.1:40123.
func WriteModule(dir string, s Session, address, token string) (string, error) {
	name := s.Module()
	reference := exchangesim.ReferenceType
	if s.Deserialized() {
		reference = ""
	}
	folder := filepath.Join(dir, name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", fmt.Errorf("write module: %w", err)
	}
	commands := s.Commands()
	files := []struct{ name, text string }{
		{name + ".psm1", moduleText(commands, name, address, token, reference)},
		{name + ".psd1", manifestText(commands, name)},
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(folder, f.name), []byte(f.text), 0o600); err != nil {
			_ = os.RemoveAll(folder)
			return "", fmt.Errorf("write module: %w", err)
		}
	}
	return filepath.Join(folder, name+".psd1"), nil
}

// manifestText gives the functions by name, so that PowerShell knows them without
// loading the module.
func manifestText(commands []exchangesim.CommandInfo, name string) string {
	functions := []string{"Get-Date", "Start-Sleep"}
	if isOnline(name) {
		functions = append(functions, "Get-ConnectionInformation")
	}
	for _, c := range commands {
		functions = append(functions, c.Name)
	}
	for i, f := range functions {
		functions[i] = "        " + literal(f) + "\n"
	}
	return fmt.Sprintf(`@{
    RootModule        = %s
    ModuleVersion     = '1.0'
    Description       = %s
    FunctionsToExport = @(
%s    )
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
    PrivateData       = @{ ImplicitRemoting = $true }
}
`, literal(name+".psm1"), literal("Implicit remoting for "+serverOf(name)+", simulated by exgrant"), strings.Join(functions, ""))
}

func moduleText(commands []exchangesim.CommandInfo, name, address, token, reference string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$script:Address = %s\n", literal(address))
	fmt.Fprintf(&b, "$script:Token = %s\n", literal(token))
	fmt.Fprintf(&b, "$script:Server = %s\n", literal(serverOf(name)))
	fmt.Fprintf(&b, "$script:Reference = %s\n$script:References = @('%s')\n\n", literal(reference), strings.Join(exchangesim.References(), "', '"))
	b.WriteString(moduleBody)
	if isOnline(name) {
		b.WriteString(onlineBody)
	}
	for _, c := range commands {
		writeFunction(&b, c)
	}
	return b.String()
}

func writeFunction(b *strings.Builder, c exchangesim.CommandInfo) {
	fmt.Fprintf(b, "\nfunction %s {\n    [CmdletBinding(%s)]\n", c.Name, bindingOf(c))
	if len(c.Parameters) == 0 {
		b.WriteString("    param()\n")
	} else {
		b.WriteString("    param(\n")
		for i, p := range c.Parameters {
			if i > 0 {
				b.WriteString(",\n")
			}
			writeParameter(b, p)
		}
		b.WriteString("\n    )\n")
	}
	changes, whatIf := "$false", "$false"
	if c.SupportsShouldProcess {
		changes, whatIf = "$true", "$WhatIfPreference"
	}
	fmt.Fprintf(b, `    process {
        Invoke-Simulator -Cmdlet $PSCmdlet -Bound $PSBoundParameters -Changes %s -WhatIf %s
    }
}
`, changes, whatIf)
}

// bindingOf gives the arguments of a function's CmdletBinding.
func bindingOf(c exchangesim.CommandInfo) string {
	var arguments []string
	if len(c.ParameterSets) > 0 {
		arguments = append(arguments, "DefaultParameterSetName = "+literal(c.ParameterSets[0]))
	}
	if c.SupportsShouldProcess {
		arguments = append(arguments, "SupportsShouldProcess = $true")
	}
	if c.ConfirmImpactHigh {
		arguments = append(arguments, "ConfirmImpact = 'High'")
	}
	return strings.Join(arguments, ", ")
}

// writeParameter declares a parameter as implicit remoting does: with PowerShell's
// own types, and with none where the server's type is unknown to the client. A
// typed string could not be $null.
func writeParameter(b *strings.Builder, p exchangesim.ParameterInfo) {
	var common []string
	if p.Mandatory {
		common = append(common, "Mandatory = $true")
	}
	if p.Position >= 0 {
		common = append(common, fmt.Sprintf("Position = %d", p.Position))
	}
	if p.ValueFromPipeline {
		common = append(common, "ValueFromPipeline = $true")
	}
	for _, set := range p.Sets {
		arguments := append([]string{"ParameterSetName = " + literal(set)}, common...)
		fmt.Fprintf(b, "        [Parameter(%s)]\n", strings.Join(arguments, ", "))
	}
	if len(p.Sets) == 0 && len(common) > 0 {
		fmt.Fprintf(b, "        [Parameter(%s)]\n", strings.Join(common, ", "))
	}
	kind := ""
	switch p.Type {
	case exchangesim.TypeBool:
		kind = "[bool] "
	case exchangesim.TypeSwitch:
		kind = "[switch] "
	case exchangesim.TypeInt:
		kind = "[int] "
	}
	fmt.Fprintf(b, "        %s$%s", kind, p.Name)
}

// literal is a PowerShell string of text that this package knows: it cannot fail.
func literal(s string) string {
	quoted, err := exchange.Quote(s)
	if err != nil {
		panic(err)
	}
	return quoted
}
