package transcript

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

const objs = `<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">`

// wireRecord is an error record of an Exchange server as PowerShell remoting brings
// it (MS-PSRP 2.2.3.15).
const wireRecord = `<Obj RefId="0"><TN RefId="0"><T>System.Management.Automation.ErrorRecord</T><T>System.Object</T></TN><ToString>No.</ToString><MS>
<Obj N="Exception" RefId="1"><TN RefId="1"><T>System.Management.Automation.RemoteException</T><T>System.Exception</T></TN><ToString>x</ToString><Props><S N="Message">O_x0027_Brien &amp; "no".</S>
<Obj N="SerializedRemoteException" RefId="2"><TN RefId="2"><T>Deserialized.Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException</T></TN><ToString>Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException: no.</ToString></Obj></Props></Obj>
<Nil N="TargetObject" /><S N="FullyQualifiedErrorId">[Server=EX01,RequestId=1,TimeStamp=2] [FailureCategory=Cmdlet-ManagementObjectNotFoundException] 1AB,Microsoft.Exchange.Management.RecipientTasks.GetUser</S>
<I32 N="ErrorCategory_Category">13</I32><S N="ErrorCategory_Activity">Get-User</S><S N="ErrorCategory_Reason">ManagementObjectNotFoundException</S><S N="ErrorCategory_TargetName">x</S></MS></Obj>`

var wireEvidence = exchange.ErrorRecord{
	FullyQualifiedErrorID: "[Server=EX01,RequestId=1,TimeStamp=2] [FailureCategory=Cmdlet-ManagementObjectNotFoundException] 1AB,Microsoft.Exchange.Management.RecipientTasks.GetUser",
	ExceptionType:         "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
	Category:              "ObjectNotFound", Activity: "Get-User", Reason: "ManagementObjectNotFoundException", TargetName: "x", Message: `O'Brien & "no".`,
}

// escapedLines are lines as powershell.exe writes them to a standard error that is
// not a console.
func escapedLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(`<S S="Error">` + strings.NewReplacer("&", "&amp;", "<", "&lt;", "\n", "_x000D__x000A_").Replace(line) + "</S>")
	}
	return b.String()
}

func TestCLIXML(t *testing.T) {
	const progress = `<Obj S="progress" RefId="0"><MS><PR N="Record"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC><T>Completed</T><SR>-1</SR><SD> </SD></PR></MS></Obj>`
	for name, test := range map[string]struct {
		text string
		want exchange.ErrorRecord
	}{
		"a record":             {objs + wireRecord + "</Objs>", wireEvidence},
		"a list of them":       {objs + `<Obj RefId="9"><LST>` + wireRecord + `</LST></Obj></Objs>`, wireEvidence},
		"behind a prompt":      {"PS> cat err.xml\n" + objs + wireRecord + "</Objs>\nPS> ", wireEvidence},
		"cut off":              {objs + wireRecord[:len(wireRecord)-11], wireEvidence},
		"lines":                {"#< CLIXML\r\n" + objs + escapedLines(dehydratedConsole) + "</Objs>", dehydratedRecord},
		"progress, then lines": {"#< CLIXML\r\n" + objs + progress + "</Objs>#< CLIXML\r\n" + objs + escapedLines(dehydratedConsole) + "</Objs>", dehydratedRecord},
		"progress only":        {dehydratedConsole + "#< CLIXML\r\n" + objs + progress + "</Objs>", dehydratedRecord},
	} {
		e, err := explain([]byte(test.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, e[0].Evidence.Record); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What the real engine exports and writes to standard error is understood.
func TestCLIXMLOfTheEngine(t *testing.T) {
	for name, script := range map[string]string{
		"serialized":    `try { Get-Nonsense } catch { [System.Management.Automation.PSSerializer]::Serialize($_, 4) }`,
		"the exception": `try { Get-Nonsense } catch { [System.Management.Automation.PSSerializer]::Serialize($_.Exception, 4) }`,
		"all errors":    `try { Get-Nonsense } catch { }; [System.Management.Automation.PSSerializer]::Serialize($Error, 4)`,
		"deserialized":  `try { Get-Nonsense } catch { $s = [System.Management.Automation.PSSerializer]; $s::Serialize($s::Deserialize($s::Serialize($_, 4)), 4) }`,
	} {
		ran := peers.RunProcess(t, peers.Process{Args: []string{"-NoProfile", "-NonInteractive", "-Command", script}})
		e, err := explain([]byte(ran.Stdout))
		if err != nil {
			t.Fatalf("%s: %v: %+v", name, err, ran)
		}
		if f := e[0].Fault; f.ID != fault.CmdletMissing || strings.Contains(f.Message, "<") || !strings.Contains(f.Message, "Get-Nonsense") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
