package exchangesim

import (
	"path"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	getCommand         = "Get-Command"
	getCommandTask     = "Microsoft.PowerShell.Commands.GetCommandCommand"
	cmdletInfoType     = "System.Management.Automation.CmdletInfo"
	wildcardCharacters = "*?["
)

// runGetCommand answers Get-Command as the session's own PowerShell does: it
// knows what the caller's roles leave. An unknown name is an error of its own;
// a wildcard that matches nothing is none.
func (s *Session) runGetCommand(command exchange.Command) *call {
	o := s.org
	o.mu.Lock()
	defer o.mu.Unlock()
	c := &call{org: o, session: s, cmdlet: &cmdlet{name: getCommand, task: getCommandTask}, now: o.clock.Now()}
	first := ""
	names, err := commandNames(command)
	if err != nil {
		first = c.report(err)
	}
	for _, name := range names {
		if err := c.findCommands(name); err != nil {
			if reported := c.report(err); first == "" {
				first = reported
			}
			c.failed = false // each name is looked up for itself
		}
	}
	o.calls = appendBounded(o.calls, Call{s.number, s.name, c.now, command, false, false, first})
	return c
}

// commandNames returns what -Name asks for; without it every command.
func commandNames(command exchange.Command) ([]string, error) {
	names := []string{"*"}
	for _, p := range command.Params {
		if !strings.EqualFold(p.Name, "Name") {
			if isCommonParameter(p.Name) {
				continue
			}
			return nil, binding("NamedParameterNotFound", "InvalidArgument", msgParameterNotFound, p.Name)
		}
		switch v := p.Value.(type) {
		case exchange.String:
			names = []string{string(v)}
		case exchange.Strings:
			names = v
		default:
			return nil, cannotConvert("Name", "System.String[]")
		}
	}
	return names, nil
}

func isCommonParameter(name string) bool {
	for _, common := range commonParameters {
		if strings.EqualFold(common, name) {
			return true
		}
	}
	return false
}

// findCommands emits the commands of one name or wildcard.
func (c *call) findCommands(name string) error {
	found := false
	for _, p := range c.session.permissions {
		if matched, err := path.Match(strings.ToLower(name), strings.ToLower(p.cmdlet.name)); err == nil && matched {
			found = true
			c.emit(presentCommand(p.cmdlet.name, c.session.parameters(p)))
		}
	}
	if found || strings.ContainsAny(name, wildcardCharacters) {
		return nil
	}
	return &failure{exception: typeCommandNotFound, id: "CommandNotFoundException", category: "ObjectNotFound", target: name,
		text: msgCommandNotFound, args: []any{name}, engine: true}
}

func presentCommand(name string, known []parameter) exchange.Object {
	parameters := []string{}
	for _, q := range known {
		parameters = append(parameters, q.Name)
	}
	return object(cmdletInfoType, properties{
		{"Name", name}, {"CommandType", "Cmdlet"}, {"Parameters", parameters}, {"Version", "15.0.0.0"},
		{"Source", "Microsoft.Exchange.Management.PowerShell.E2010"}, {"Visibility", "Public"},
	})
}
