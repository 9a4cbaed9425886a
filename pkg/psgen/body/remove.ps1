function Invoke-ExgChange { # The one place where something is changed: shows the command, asks, runs it, notes it.
    param([string]$Cmdlet, [System.Collections.IDictionary]$With, [scriptblock]$Done, [array]$Undo)
    foreach ($name in $Pin.Keys) { $With[$name] = $Pin[$name] }
    $command = Format-ExgCommand -Cmdlet $Cmdlet -With $With
    $Report.steps += ($step = @{ id = 'remove'; status = 'planned'; command = $command })
    $yes = try { $Run.Script.ShouldProcess($Run.Wanted, $command) } catch { $false } # nobody can answer
    if (-not $yes -and $WhatIfPreference) { return }
    if (-not $yes) { throw "interrupted: Not agreed to (-Confirm:`$false), and not run: $command" }
    for ($try, $made = 1, $null; -not $made; $try++) {
        try { $made = @(& $Cmdlet @With -Confirm:$false -ErrorAction Stop) + $true } catch { $fail = $_ } finally {
            if (-not $made) { $made = @(try { & $Done } catch { throw "failed: Perhaps done: $_" }) -ne $false }
            if ($made) {
                $step.status, $Report.changed = 'changed', $true
                if ($Cmdlet -like 'New-*') { $Undo[0].with.Identity = "$($made[0].Guid)" }
                $Run.Undo = $Undo + $Run.Undo
            }
        }
        if ($made) { return }
        $fault = Get-ExgFault -Failure $fail
        if ('transient', 'throttled' -notcontains $fault -or $try -gt 5) { throw $fail }
        Write-Warning -Message "Refused for now, and tried again soon: $fail"
        Start-Sleep -Seconds ([Math]::Min(300, [Math]::Pow(2, $try)))
    }
}
function Format-ExgCommand { # The command as it could be typed.
    param([string]$Cmdlet, [System.Collections.IDictionary]$With)
# include: command-words.ps1
    "$Cmdlet $words"
}
