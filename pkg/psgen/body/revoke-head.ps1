#Requires -Version 3.0
<#
.SYNOPSIS
    Takes back from one account or group the right to act for other mailboxes: exactly one grant of the role
    ApplicationImpersonation of Exchange.

.DESCRIPTION
    Removes the one assignment that this grant made, by GUID, and its management scope when nothing else uses it.
    An assignment is this grant's when the report of the grant names its GUID, or when it has this grant's name and
    account, role and scope are equal. An equal assignment under another name is left alone and named. Afterwards
    it reads again and says whether the account can still act for mailboxes by another path.

    Of a role group, the members of this grant leave; the group goes only when nobody else is in it.

    Run it twice and the second run changes nothing. -WhatIf tells everything and changes nothing.

    To read it: the procedure stands right below the data block, then come its steps, then what they need. The end
    of the file is a table of what errors mean.

.PARAMETER DomainController
    Write to this domain controller. By default Exchange chooses one.

.PARAMETER TimeoutMinutes
    How long to try again when the server is busy or a domain controller does not answer.

.PARAMETER ReportPath
    Write the report to this file, as JSON, also when the run fails.

.PARAMETER AsJson
    Put the report on the pipeline, as one JSON text in ASCII, and nothing else.

.PARAMETER RecordMarker
    For programs: frame the report with this text as the last output, in base64.

.EXAMPLE
    .\revoke.ps1 -WhatIf

    Tells what would be removed. Nothing is changed.

.EXAMPLE
    .\revoke.ps1 -Confirm:$false

    Asks nothing.

.OUTPUTS
    One object for each step (Id, Status, Text, Command, Guid), then one with the result. With -AsJson one JSON
    text.

.NOTES
    script-format: 1
    kind: revoke
    sha256: {{sha256}}
    The hash is of the UTF-8 bytes from "[CmdletBinding(" to the end; a signature block is not counted.
    Run: in the Exchange Management Shell, by a member of Organization Management. Review it, then start with
    -WhatIf.
    Undo: with the grant script of the same grant, or from the report: exgrant script revoke --from report.json
    Exit codes: 0 done or nothing to do, 1 failed or conflict, 3 access is left by another path, 5 denied, 130
    declined.
    No password or other secret is in this file. The server keeps its own record: Search-AdminAuditLog.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [string]$DomainController,
    [ValidateRange(0, 10080)]
    [double]$TimeoutMinutes = 60,
    [string]$ReportPath,
    [switch]$AsJson,
    [ValidatePattern('^[A-Za-z0-9]{1,32}$')]
    [string]$RecordMarker
)
