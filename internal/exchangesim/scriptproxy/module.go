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

//go:embed module.psm1
var moduleBody string

// WriteModule writes the module of a session into the folder DIR/NAME, where NAME is
// what implicit remoting would call it, and returns the path of its manifest. The
// folder must not exist yet. It is readable by the user alone, since it holds the
// token.
//
// Import the manifest by its path, or put dir into PSModulePath: PowerShell then
// loads the module at the first cmdlet that is called. Until then Start-Sleep and
// Get-Date are PowerShell's own.
//
// Address is where a Handler of the same session and token listens, such as
// http://127.0.0.1:40123.
func WriteModule(dir string, s Session, address, token string) (string, error) {
	name := s.Module()
	if name == "" || name != filepath.Base(name) {
		return "", fmt.Errorf("write module: %q is no file name", name)
	}
	folder := filepath.Join(dir, name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", fmt.Errorf("write module: %w", err)
	}
	commands := s.Commands()
	files := []struct{ name, text string }{
		{name + ".psm1", moduleText(commands, address, token)},
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
	var b strings.Builder
	fmt.Fprintf(&b, "@{\n")
	fmt.Fprintf(&b, "    RootModule        = %s\n", literal(name+".psm1"))
	fmt.Fprintf(&b, "    ModuleVersion     = '1.0'\n")
	fmt.Fprintf(&b, "    Description       = %s\n", literal("Implicit remoting for http://"+serverName+"/powershell, simulated by exgrant"))
	fmt.Fprintf(&b, "    FunctionsToExport = @(\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "        %s\n", literal(c.Name))
	}
	fmt.Fprintf(&b, "        'Get-Date'\n        'Start-Sleep'\n    )\n")
	fmt.Fprintf(&b, "    CmdletsToExport   = @()\n")
	fmt.Fprintf(&b, "    VariablesToExport = @()\n")
	fmt.Fprintf(&b, "    AliasesToExport   = @()\n")
	fmt.Fprintf(&b, "    PrivateData       = @{ ImplicitRemoting = $true }\n")
	fmt.Fprintf(&b, "}\n")
	return b.String()
}

func moduleText(commands []exchangesim.CommandInfo, address, token string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$script:Address = %s\n", literal(address))
	fmt.Fprintf(&b, "$script:Token = %s\n", literal(token))
	fmt.Fprintf(&b, "$script:Server = %s\n\n", literal(serverName))
	b.WriteString(moduleBody)
	for _, c := range commands {
		writeFunction(&b, c)
	}
	return b.String()
}

func writeFunction(b *strings.Builder, c exchangesim.CommandInfo) {
	fmt.Fprintf(b, "\nfunction %s {\n", c.Name)
	whatIf := "$false"
	switch {
	case c.SupportsShouldProcess && c.ConfirmImpactHigh:
		b.WriteString("    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]\n")
	case c.SupportsShouldProcess:
		b.WriteString("    [CmdletBinding(SupportsShouldProcess = $true)]\n")
	default:
		b.WriteString("    [CmdletBinding()]\n")
	}
	changes := "$false"
	if c.SupportsShouldProcess {
		changes, whatIf = "$true", "$WhatIfPreference"
	}
	if len(c.Parameters) == 0 {
		b.WriteString("    param()\n")
	} else {
		b.WriteString("    param(\n")
		for i, p := range c.Parameters {
			writeParameter(b, p)
			if i < len(c.Parameters)-1 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
		}
		b.WriteString("    )\n")
	}
	fmt.Fprintf(b, "    process {\n"+
		"        Invoke-Simulator -Cmdlet $PSCmdlet -Bound $PSBoundParameters -Changes %s -WhatIf %s\n"+
		"    }\n}\n", changes, whatIf)
}

// writeParameter declares a parameter as implicit remoting does: with PowerShell's
// own types, and with none where the server's type is unknown to the client. A
// typed string could not be $null.
func writeParameter(b *strings.Builder, p exchangesim.ParameterInfo) {
	var attributes []string
	if p.Mandatory {
		attributes = append(attributes, "Mandatory = $true")
	}
	if p.Position >= 0 {
		attributes = append(attributes, fmt.Sprintf("Position = %d", p.Position))
	}
	if p.ValueFromPipeline {
		attributes = append(attributes, "ValueFromPipeline = $true")
	}
	if len(attributes) > 0 {
		fmt.Fprintf(b, "        [Parameter(%s)]\n", strings.Join(attributes, ", "))
	}
	kind := map[exchangesim.ParameterType]string{
		exchangesim.TypeBool:   "[bool] ",
		exchangesim.TypeSwitch: "[switch] ",
		exchangesim.TypeInt:    "[long] ",
	}[p.Type]
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
