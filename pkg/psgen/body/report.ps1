# The report: one ordered dictionary that every step adds to. It becomes the JSON of -AsJson, -ReportPath and
# -RecordMarker; the pipeline gets one object for each step while the script runs.

function Get-ExgTime {
    $culture = [System.Globalization.CultureInfo]::InvariantCulture
    (Get-Date).ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", $culture)
}

function New-ExgReport {
    param([string]$Operation)
    [ordered]@{
        schema     = 'exgrant.report/v1'
        operation  = $Operation
        outcome    = 'failed'
        changed    = $false
        startedAt  = Get-ExgTime
        finishedAt = ''
        operator   = [Environment]::UserDomainName + '\' + [Environment]::UserName
        tool       = 'script-format 1'
        target     = [ordered]@{
            transport    = 'script'
            languageMode = "$($ExecutionContext.SessionState.LanguageMode)"
        }
        grant      = $null
        steps      = New-Object -TypeName System.Collections.ArrayList
        findings   = New-Object -TypeName System.Collections.ArrayList
        proof      = New-Object -TypeName System.Collections.ArrayList
        before     = $null
        after      = $null
        inverse    = New-Object -TypeName System.Collections.ArrayList
        holders    = $null
    }
}

function Add-ExgStep {
    param(
        [string]$Id, [string]$Status, [string]$Text, [string]$Command, [string]$Guid,
        [int]$Attempt, [switch]$Irreversible, $Fault
    )
    $step = [ordered]@{ id = $Id; status = $Status }
    if ($Attempt) { $step.attempt = $Attempt }
    if ($Command) { $step.command = $Command }
    if ($Text -and (-not $Fault -or $Text -ne $Fault.message)) { $step.text = $Text }
    if ($Guid) { $step.guid = $Guid }
    if ($Irreversible) { $step.irreversible = $true }
    $shown = [ordered]@{ Id = $Id; Status = $Status; Text = $Text; Command = $Command; Guid = $Guid }
    if ($Fault) {
        $step.fault = $Fault
        $shown.Fault = $Fault.id
        $shown.Message = $Fault.message
        $shown.Hint = $Fault.hint
    }
    $null = $Exg.Report.steps.Add($step)
    # Five properties or more are printed as a list at once; a table would wait and be lost at the exit.
    if (-not $Exg.Quiet) { $Exg.Cmdlet.WriteObject([PSCustomObject]$shown) }
}

function Add-ExgFinding {
    param([string]$Id, [string]$Severity, [string]$Text, [string[]]$Objects)
    $finding = [ordered]@{ id = $Id; severity = $Severity; text = $Text }
    if ($Objects) { $finding.objects = @($Objects) }
    $null = $Exg.Report.findings.Add($finding)
    if (-not $Exg.Quiet) { Write-Warning -Message "${Id}: $Text" }
}

function Add-ExgInverse {
    param([string]$Cmdlet, [string]$Identity, [object[]]$Parameters, [string]$OnlyIf)
    $inverse = [ordered]@{ cmdlet = $Cmdlet; identity = $Identity }
    if ($Parameters) { $inverse.parameters = @($Parameters) }
    if ($OnlyIf) { $inverse.onlyIf = $OnlyIf }
    $Exg.Report.inverse.Insert(0, $inverse)
}

# Ends the run: the outcome is decided, a failed step says why, and what was half made is taken back.
function Stop-ExgRun {
    param([string]$Outcome, [string]$Step, [string]$Text, [string]$Command, [int]$Attempt, $Fault)
    $Exg.Report.outcome = $Outcome
    $Exg.Stopped = $true
    Add-ExgStep -Id $Step -Status 'failed' -Text $Text -Command $Command -Attempt $Attempt -Fault $Fault
    throw $Text
}

# The outcome that an error leads to when nothing can be done about it.
function Get-ExgOutcome {
    param($Fault)
    switch -Wildcard ($Fault.id) {
        'access_denied' { return 'denied' }
        'connect_auth' { return 'denied' }
        'principal_not_found' { return 'not-found' }
        'already_exists' { return 'conflict' }
        'connect_*' { return 'unreachable' }
    }
    'failed'
}

# An error that no step expected.
function Stop-ExgUnexpected {
    param([System.Management.Automation.ErrorRecord]$ErrorRecord)
    $fault = Get-ExgFault -ErrorRecord $ErrorRecord
    $Exg.Report.outcome = Get-ExgOutcome -Fault $fault
    Add-ExgStep -Id $Exg.Step -Status 'failed' -Text $fault.message -Fault $fault
}

function Get-ExgExitCode {
    switch ($Exg.Report.outcome) {
        { 'failed', 'conflict', 'not-found', 'unreachable' -contains $_ } { return 1 }
        { 'differs', 'customization-pending', 'still-effective' -contains $_ } { return 3 }
        'denied' { return 5 }
        'interrupted' { return 130 }
    }
    0
}

function ConvertTo-ExgJson {
    $report = [ordered]@{}
    foreach ($key in $Exg.Report.Keys) {
        $value = $Exg.Report[$key]
        $empty = $null -eq $value -or ($value -is [System.Collections.ArrayList] -and $value.Count -eq 0)
        if (-not $empty -or 'steps', 'findings' -contains $key) { $report[$key] = $value }
    }
    $json = ConvertTo-Json -InputObject $report -Depth 20 -Compress
    $escape = { param($match) '\u{0:x4}' -f [int][char]$match.Value }
    [regex]::Replace($json, '[^\x20-\x7e]', $escape)
}

# A report that has no place is a mistake to be told before anything is changed.
function Assert-ExgReportPath {
    if (-not $Exg.ReportPath) { return }
    try {
        [System.IO.File]::AppendAllText($Exg.ReportPath, '')
    } catch {
        $path = $Exg.ReportPath
        $Exg.ReportPath = ''
        Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Text ("The report cannot be written to ${path}: " +
            "$($_.Exception.InnerException.Message) Nothing was changed.")
    }
}

# Writes the file that -ReportPath asks for, also when the run fails or is interrupted.
function Save-ExgReport {
    $Exg.Report.finishedAt = Get-ExgTime
    if (-not $Exg.ReportPath) { return }
    try {
        [System.IO.File]::WriteAllText($Exg.ReportPath, (ConvertTo-ExgJson) + "`r`n")
    } catch {
        Write-Warning -Message "The report could not be written to $($Exg.ReportPath): $($_.Exception.Message)"
    }
}

# The last output: the result for people, the JSON, or the framed record.
function Write-ExgResult {
    $report = $Exg.Report
    if ($Exg.Quiet) {
        $Exg.Cmdlet.WriteObject((ConvertTo-ExgJson))
    } else {
        $result = [ordered]@{
            Outcome  = $report.outcome
            ExitCode = Get-ExgExitCode
            Changed  = $report.changed
            Operator = $report.operator
            Before   = Format-ExgState -State $report.before
            After    = Format-ExgState -State $report.after
        }
        if ($report.inverse.Count) {
            $undo = @($report.inverse | ForEach-Object -Process { "$($_.cmdlet) '$($_.identity)'" })
            $result.Undo = $undo -join ', then '
        }
        if ($report.changed) {
            $result.ServerRecord = "Search-AdminAuditLog -StartDate '$($report.startedAt)' shows what the " +
                'server recorded'
        }
        $Exg.Cmdlet.WriteObject([PSCustomObject]$result)
    }
    if ($Exg.RecordMarker) { Write-ExgRecord }
}

function Format-ExgState {
    param($State)
    if (-not $State) { return '' }
    $words = @($State.assignments | ForEach-Object -Process {
            $of = if ($_.customRecipientWriteScope) { " '$($_.customRecipientWriteScope)'" } else { '' }
            $enabled = if ($_.enabled) { 'enabled' } else { 'disabled' }
            "assignment '$($_.name)' ($enabled, $($_.recipientWriteScope)$of)"
        })
    $words += @($State.scopes | ForEach-Object -Process { "scope '$($_.name)' ($($_.filter))" })
    $words += @($State.roleGroups | Where-Object -FilterScript { $_ } | ForEach-Object -Process {
            "role group '$($_.name)' ($($_.members -join ', '))"
        })
    if ($words.Count) { $words -join '; ' } else { 'nothing' }
}

function Write-ExgRecord {
    $base64 = [Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes((ConvertTo-ExgJson)))
    $Exg.Cmdlet.WriteObject('-----BEGIN EXGRANT RECORD ' + $Exg.RecordMarker + '-----')
    for ($i = 0; $i -lt $base64.Length; $i += 76) {
        $Exg.Cmdlet.WriteObject($base64.Substring($i, [Math]::Min(76, $base64.Length - $i)))
    }
    $Exg.Cmdlet.WriteObject('-----END EXGRANT RECORD ' + $Exg.RecordMarker + '-----')
}
