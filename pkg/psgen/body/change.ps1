function Invoke-ExgChange { # The one place where something is changed: shows the command, asks, runs it, notes it.
    param([string]$Id, [string]$Cmdlet, [System.Collections.IDictionary]$With, [scriptblock]$Stands)
    foreach ($name in $Pin.Keys) { $With[$name] = $Pin[$name] }
# include: command-words.ps1
    $Report.steps += ($step = [ordered]@{ id = $Id; status = 'planned'; command = "$Cmdlet $words" })
    $ask = { $Run.Script.ShouldProcess("$($Grant.assignee.given), for $($Run.Wanted)", $step.command) }
    $yes = try { & $ask } catch { $false } # it fails where nobody can answer
    if (-not $yes -and $WhatIfPreference) { return }
    if (-not $yes) { throw "interrupted: Not agreed to (-Confirm:`$false), and not run: $($step.command)" }
    for ($try, $busy, $made = 1, 0, $null; -not $made; $try++) {
        try { $made = @(& $Cmdlet @With -Confirm:$false -ErrorAction Stop) + $true } catch { $fail = $_ } finally {
            if (-not $made) { $made = @(try { & $Stands } catch { throw "failed: Perhaps done: $_" }) } # or lost
            if ($made) {
                $step.status, $step.guid = 'changed', @("$($With.Identity)", "$($made[0].Guid)" -ne '')[0]
# if: account
                $undo = [ordered]@{ cmdlet = $Cmdlet -replace '^New', 'Remove'; identity = $step.guid }
                if ($With.Enabled) { $undo.parameters = @([ordered]@{ name = 'Enabled'; value = $false }) }
# end
# if: account&creates
                if ($Id -eq 'scope') { $undo.onlyIf = 'unused' }
# end
# if: account
                $Report.inverse, $Report.changed = (@($undo) + $Report.inverse), $true
# end
# if: roleGroup
                $undo = @{ cmdlet = $Cmdlet -replace '^New', 'Remove'; identity = $step.guid }
                if ($With.Member) { $undo = @() } elseif ($Id -ne 'assign') { $undo.onlyIf = 'unused' }
                $out = foreach ($it in @($With.Members) + $With.Member | Where-Object -FilterScript { $_ }) {
                    $who = @(@{ name = 'Member'; value = $it })
                    @{ cmdlet = 'Remove-RoleGroupMember'; identity = $step.guid; parameters = $who }
                }
                $Report.inverse, $Report.changed = (@($out) + $undo + $Report.inverse), $true
# end
            }
        }
        if ($made) { continue }
        $fault = Get-ExgFault -Failure $fail
        if ($fault -eq 'dehydrated') { Enable-ExgCustomization -Failure $fail } else { $busy++ }
        if ('dehydrated', 'transient', 'throttled' -notcontains $fault -or $busy -gt 5) { throw $fail }
        Write-Warning -Message "Refused for now, and tried again soon: $fail"
        Start-Sleep -Seconds ([Math]::Min(300, [Math]::Pow(2, $try)))
    }
}
