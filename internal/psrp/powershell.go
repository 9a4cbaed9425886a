package psrp

import "github.com/exgrant/exgrant/internal/clixml"

// A PowerShell is what a pipeline runs: statements, each of commands that pass
// their output on (MS-PSRP 2.2.2.10, 2.2.3.11).
type PowerShell struct {
	Statements [][]Command
	NoInput    bool // the client sends no pipeline input
}

// A Command is one cmdlet with its arguments, or a piece of script text (MS-PSRP
// 2.2.3.12). Restricted endpoints take no script text.
type Command struct {
	Text      string
	IsScript  bool
	Arguments []Argument
}

// An Argument of a Command (MS-PSRP 2.2.3.13). Without a name it is positional.
type Argument struct {
	Name  string
	Value any // as in package clixml
}

const (
	pipelineResultTypes = "System.Management.Automation.Runspaces.PipelineResultTypes"
	remoteStreamOptions = "System.Management.Automation.RemoteStreamOptions"
	apartmentState      = "System.Threading.ApartmentState"
	threadOptions       = "System.Management.Automation.Runspaces.PSThreadOptions"
	objectType          = "System.Management.Automation.PSObject, System.Management.Automation, Version=1.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35"
)

// noHost says that the client has no host (MS-PSRP 2.2.3.14).
func noHost() *clixml.Object {
	return extended(
		clixml.Property{Name: "_isHostNull", Value: true},
		clixml.Property{Name: "_isHostUINull", Value: true},
		clixml.Property{Name: "_isHostRawUINull", Value: true},
		clixml.Property{Name: "_useRunspaceHost", Value: true},
	)
}

func anyApartment() *clixml.Object { return enum(apartmentState, "Unknown", 2) }

// object is the data of CREATE_PIPELINE.
func (p PowerShell) object() *clixml.Object {
	powerShell := extended(
		clixml.Property{Name: "IsNested", Value: false},
		clixml.Property{Name: "ExtraCmds"},
		clixml.Property{Name: "Cmds", Value: commandList(nil)},
		clixml.Property{Name: "History"},
		clixml.Property{Name: "RedirectShellErrorOutputPipe", Value: true},
	)
	if len(p.Statements) > 0 {
		powerShell.Members[2].Value = commandList(p.Statements[0])
	}
	if len(p.Statements) > 1 {
		var extra []any
		for _, s := range p.Statements {
			extra = append(extra, extended(clixml.Property{Name: "Cmds", Value: commandList(s)}))
		}
		powerShell.Members[1].Value = genericList(objectType, extra)
	}
	return extended(
		clixml.Property{Name: "NoInput", Value: p.NoInput},
		clixml.Property{Name: "ApartmentState", Value: anyApartment()},
		clixml.Property{Name: "RemoteStreamOptions", Value: enum(remoteStreamOptions, "0", 0)},
		clixml.Property{Name: "AddToHistory", Value: false},
		clixml.Property{Name: "HostInfo", Value: noHost()},
		clixml.Property{Name: "PowerShell", Value: powerShell},
		clixml.Property{Name: "IsNested", Value: false},
	)
}

func commandList(commands []Command) *clixml.Object {
	list := make([]any, len(commands))
	for i, c := range commands {
		list[i] = c.object()
	}
	return genericList(objectType, list)
}

// mergeFields name the streams that a command could redirect; none is.
var mergeFields = []string{"MergeMyResult", "MergeToResult", "MergePreviousResults", "MergeError", "MergeWarning", "MergeVerbose", "MergeDebug", "MergeInformation"}

func (c Command) object() *clixml.Object {
	members := []clixml.Property{
		{Name: "Cmd", Value: c.Text},
		{Name: "IsScript", Value: c.IsScript},
		{Name: "UseLocalScope"},
	}
	for _, name := range mergeFields {
		members = append(members, clixml.Property{Name: name, Value: enum(pipelineResultTypes, "None", 0)})
	}
	arguments := make([]any, len(c.Arguments))
	for i, a := range c.Arguments {
		var name any
		if a.Name != "" {
			name = a.Name
		}
		arguments[i] = extended(clixml.Property{Name: "N", Value: name}, clixml.Property{Name: "V", Value: a.Value})
	}
	return extended(append(members, clixml.Property{Name: "Args", Value: genericList(objectType, arguments)})...)
}

// readPowerShell reads the data of CREATE_PIPELINE.
func readPowerShell(o *clixml.Object) (PowerShell, error) {
	shell := objectField(o, "PowerShell")
	if shell == nil {
		return PowerShell{}, protocolErrorf("CREATE_PIPELINE has no PowerShell")
	}
	p := PowerShell{NoInput: boolField(o, "NoInput")}
	statements := listField(shell, "ExtraCmds")
	if len(statements) == 0 {
		statements = []any{shell}
	}
	for _, s := range statements {
		statement, ok := s.(*clixml.Object)
		if !ok {
			return PowerShell{}, protocolErrorf("CREATE_PIPELINE has a statement that is no object")
		}
		commands, err := readCommands(listField(statement, "Cmds"))
		if err != nil {
			return PowerShell{}, err
		}
		p.Statements = append(p.Statements, commands)
	}
	return p, nil
}

func readCommands(list []any) ([]Command, error) {
	var commands []Command
	for _, v := range list {
		o, ok := v.(*clixml.Object)
		if !ok {
			return nil, protocolErrorf("CREATE_PIPELINE has a command that is no object")
		}
		c := Command{Text: textField(o, "Cmd"), IsScript: boolField(o, "IsScript")}
		for _, a := range listField(o, "Args") {
			argument, ok := a.(*clixml.Object)
			if !ok {
				return nil, protocolErrorf("the command %.40q has an argument that is no object", c.Text)
			}
			c.Arguments = append(c.Arguments, Argument{textField(argument, "N"), field(argument, "V")})
		}
		commands = append(commands, c)
	}
	if len(commands) == 0 {
		return nil, protocolErrorf("CREATE_PIPELINE has a statement without commands")
	}
	return commands, nil
}
