# include: denied
$Caller = $PSCmdlet
$Report = [ordered]@{
    schema = 'exgrant.report/v1'; tool = 'script-format 2'; operation = '{{kind}}'; outcome = 'interrupted'
    operator = [Environment]::UserDomainName + '\' + [Environment]::UserName; changed = $false
    startedAt = (Get-Date).ToUniversalTime().ToString('s') + 'Z'; steps = @(); findings = @()
}
$file = @{ LiteralPath = $ReportPath; Encoding = 'Ascii'; ErrorAction = 'Stop'; WhatIf = $false; Confirm = $false }
try {
    if ($ReportPath -and (Get-Item -LiteralPath $ReportPath -Force -ErrorAction SilentlyContinue).Length) {
        $file.Clear()
        throw "failed: $ReportPath is there, and may hold the undo of another run. Name a new file."
    }
    if ($ReportPath) { Set-Content @file -Value 'The run has not ended.' }
    $Report.outcome = @(Invoke-ExgProcedure)[-1]
} catch {
    # Types and ids decide, and words last, since servers have many languages. What stands in quotes is a name.
    $words = ("$_" -replace '\s+', ' ').Trim() -replace $QuotedName, '$1'
    $text = "$($_.FullyQualifiedErrorId) [$($_.CategoryInfo.Activity)] $($_.CategoryInfo.Reason) $words"
    $Report.outcome = if ($text -match $Denied -and $text -notmatch $NotDenied) { 'denied' } else { 'failed' }
    $Report.steps += [ordered]@{ id = 'read-assignments'; status = 'failed'; text = "$_" -replace '^failed: ' }
} finally {
    $Report.finishedAt = (Get-Date).ToUniversalTime().ToString('s') + 'Z'
    $json = ConvertTo-Json -InputObject $Report -Depth 9 -Compress
    $json = [regex]::Replace($json, '[^ -~]', { param($match) '\u{0:x4}' -f [int][char]$match.Value })
    try { if ($file.LiteralPath) { Set-Content @file -Value $json } } catch {
        Write-Warning -Message "No report: $_"
    }
}
$exitCode = @{ audited = 0; denied = 5; interrupted = 130 }[$Report.outcome]
if ($null -eq $exitCode) { $exitCode = 1 }
[PSCustomObject][ordered]@{
    Outcome = $Report.outcome; ExitCode = $exitCode; Changed = $false; Reason = $Report.steps[-1].text
    Remarks = @($Report.findings | ForEach-Object -Process { "$($_.severity): $($_.text)" }) -join "`n"
}
if ($MyInvocation.InvocationName -ne '.') { exit $exitCode }
