#Requires -Version 3.0
<#
.SYNOPSIS
    Gives one account or group the right to act for other mailboxes: the role ApplicationImpersonation of Exchange.

.DESCRIPTION
    Reads first, writes second, reads back third. The block "What was asked for" below holds everything that is
    specific to this grant; the rest of the script is the same for every grant.

    1. Proves that this is a shell of an on-premises organization and that the commands are there.
    2. Resolves every name to one object, in the whole forest.
    3. Reads who holds the role already. A grant that is equal is left alone, whatever its name; a name or scope
       that is in use for something else stops the script before any change.
    4. Creates the management scope and the role assignment (or the role group), each after a question.
    5. Reads back what was written and asks the server which of the named mailboxes the account can reach.

    Run it twice and the second run changes nothing. -WhatIf tells everything and changes nothing.

    To read it: the procedure stands right below that block, then come its steps, then what they need. The end
    of the file is a table of what errors mean.

.PARAMETER DomainController
    Write to this domain controller and read back from it. By default Exchange chooses one.

.PARAMETER TimeoutMinutes
    How long to try again when the organization must be customized first and the server needs time for it.

.PARAMETER UpdateScope
    Change the scope when the assignment or the scope exists under its name with another definition.

.PARAMETER AllowEmpty
    Grant also when the scope holds no recipient now.

.PARAMETER ReportPath
    Write the report to this file, as JSON, also when the run fails.

.PARAMETER AsJson
    Put the report on the pipeline, as one JSON text in ASCII, and nothing else.

.PARAMETER RecordMarker
    For programs: frame the report with this text as the last output, in base64.

.EXAMPLE
    .\grant.ps1 -WhatIf

    Tells what would be done. Nothing is changed.

.EXAMPLE
    .\grant.ps1

    Asks before each change.

.EXAMPLE
    .\grant.ps1 -Confirm:$false -ReportPath .\report.json

    Asks nothing. The report holds the GUID of every object that was written.

.OUTPUTS
    One object for each step (Id, Status, Text, Command, Guid), then one with the result. With -AsJson one JSON
    text.

.NOTES
    script-format: 1
    kind: grant
    sha256: {{sha256}}
    The hash is of the UTF-8 bytes from "[CmdletBinding(" to the end; a signature block is not counted.
    Run: in the Exchange Management Shell, by a member of Organization Management. Review it, then start with
    -WhatIf.
    Undo: with the revoke script of the same grant, or from the report: exgrant script revoke --from report.json
    Exit codes: 0 done or already so, 1 failed or conflict, 3 not yet in effect, 5 denied, 130 declined.
    No password or other secret is in this file. The server keeps its own record: Search-AdminAuditLog.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [string]$DomainController,
    [ValidateRange(0, 10080)]
    [double]$TimeoutMinutes = 60,
    [switch]$UpdateScope,
    [switch]$AllowEmpty,
    [string]$ReportPath,
    [switch]$AsJson,
    [ValidatePattern('^[A-Za-z0-9]{1,32}$')]
    [string]$RecordMarker
)
