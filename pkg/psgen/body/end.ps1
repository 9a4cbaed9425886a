# if: roleGroup&grant roleGroup&status
$Run, $At, $View, $to = @{ Script = $PSCmdlet; Mailboxes = @{}; Members = [ordered]@{} }, $Pin, $null, @{}
# end
# if: account&grant account&status
$Run, $At, $View, $to = @{ Script = $PSCmdlet; Mailboxes = @{} }, $Pin, $null, @{}
# end
# if: revoke undo
$Run, $At, $View, $to = @{ Script = $PSCmdlet; Undo = @() }, $Pin, $null, @{}
# end
$Report = [ordered]@{
    schema = 'exgrant.report/v1'; tool = 'script-format 2'; operation = '{{kind}}'; grant = $Grant
    operator = [Environment]::UserDomainName + '\' + [Environment]::UserName; changed = $false
    startedAt = (Get-Date).ToUniversalTime().ToString('s') + 'Z'; steps = @(); findings = @()
    outcome = 'interrupted'; proof = @(); inverse = @()
}
try { # A report that has no place must show before anything is changed, and none is written over.
    if ($ReportPath -and (Get-Item -LiteralPath $ReportPath -Force -ErrorAction SilentlyContinue).Length) {
        throw "failed: $ReportPath is there, and may hold the undo of another run. Name a new file."
    }
    $to = @{ LiteralPath = $ReportPath; Encoding = 'Ascii'; ErrorAction = 'Stop' }
    $to.WhatIf = $to.Confirm = $false # it is written in any case
    if ($ReportPath) { Set-Content @to -Value 'The run has not ended.' }
    $Report.outcome = @(Invoke-ExgProcedure)[-1]
} catch { # A text that is thrown is the id of its error. Those of this script begin with the outcome.
    $fault = @{ access_denied = 'denied'; principal_not_found = 'not-found' }["$(Get-ExgFault -Failure $_)"]
    $own = "$($_.FullyQualifiedErrorId)" -match '^(failed|conflict|not-found|interrupted|customization-pending): '
    $Report.outcome = if ($own) { $Matches[1] } elseif ($fault) { $fault } else { 'failed' }
    $Run.Reason = "$_" -replace "^$($Report.outcome): "
    $Report.steps += [ordered]@{ id = '{{last}}'; status = 'failed'; text = $Run.Reason }
# if: grant&creates
} finally { # Also after Ctrl-C: the session is as it was, and a scope that no assignment uses does not stay.
# end
# if: grant&existing grant&organizationalUnit grant&organization revoke undo status
} finally { # Also after Ctrl-C: the session is as it was.
# end
# if: status revoke undo grant&existing grant&organizationalUnit grant&organization
    try { if ($View) { Set-ADServerSettings @View -ErrorAction Stop -WhatIf:$false -Confirm:$false } } catch {
        Write-Warning -Message "Not put back: $_"
    }
# end
# if: grant&creates
    try {
        if ($View) { Set-ADServerSettings @View -ErrorAction Stop -WhatIf:$false -Confirm:$false }
        if (@($Report.inverse)[0].onlyIf) {
            Remove-ManagementScope -Identity $Report.inverse[0].identity -Confirm:$false -ErrorAction Stop @Pin
            $Report.inverse, $Report.changed = @(), ($Report.steps.irreversible -contains $true)
        }
    } catch { Write-Warning -Message "Not put back: $_" }
# end
# if: grant&roleGroup
    $undo = @($Report.inverse | ForEach-Object -Process {
            $rest = if ($_.parameters) { " -Member '$($_.parameters[0].value)'" }
            if ($_.cmdlet -match 'RoleGroup') { $rest += ' -BypassSecurityGroupManagerCheck' }
            "$($_.cmdlet) -Identity '$($_.identity)'$rest"
        }) -join "`n"
# end
# if: grant&account
    $undo = @($Report.inverse | ForEach-Object -Process {
            "$($_.cmdlet) -Identity '$($_.identity)'$(if ($_.parameters) { ' -Enabled $false' })"
        }) -join "`n"
# end
# if: revoke undo
    $undo = @($Run.Undo | ForEach-Object -Process { Format-ExgCommand -Cmdlet $_.cmdlet -With $_.with }) -join "`n"
    if ($undo) { $undo = "Set-ADServerSettings -ViewEntireForest `$true`n$undo" } # whatever an account's domain
    $Report.inverse = @(foreach ($it in $Run.Undo) {
            $rest = foreach ($key in @($it.with.Keys) -notmatch '^(Name|Identity|Bypass.*|DomainController)$') {
                @{ name = $key; value = $it.with[$key] }
            }
            @{ cmdlet = $it.cmdlet; identity = "$($it.with.Name)$($it.with.Identity)"; parameters = @($rest) }
        })
# end
# if: grant revoke undo
    if ($Report.outcome -eq 'interrupted') { Write-Warning "Stopped. Changed: $($Report.changed). Undo: $undo" }
# end
    $Report.finishedAt = (Get-Date).ToUniversalTime().ToString('s') + 'Z'
    $json = ConvertTo-Json -InputObject $Report -Depth 9 -Compress
    $json = [regex]::Replace($json, '[^ -~]', { param($match) '\u{0:x4}' -f [int][char]$match.Value })
    try { if ($to.LiteralPath) { Set-Content @to -Value $json } } catch { Write-Warning -Message "No report: $_" }
}
$codes = @{ {{codes}}; denied = 5 }
$exitCode = if ($Report.outcome -eq 'interrupted') { 130 } else { [int]$codes[$Report.outcome] }
# if: grant status
$reach = $Report.proof | ForEach-Object -Process { "$($_.mailbox): $($_.rbac), expected $($_.expected)" }
if (-not ($InScope + $OutOfScope)) { $reach = 'not tested: no mailbox is named in this script' }
# end
[PSCustomObject][ordered]@{
    Outcome = $Report.outcome; ExitCode = $exitCode; Changed = $Report.changed; Reason = $Run.Reason
    Warnings = @($Report.findings | ForEach-Object -Process { $_.text }) -join "`n"
# if: grant
    Reach = $reach -join "`n"; Undo = $undo
# end
# if: status
    Reach = $reach -join "`n"
# end
# if: revoke undo
    Undo = $undo
# end
}
if ($MyInvocation.InvocationName -ne '.') { exit $exitCode }
