function Enable-ExgCustomization { # Only when the server asks for it; once it is enabled, only time helps.
    param($Failure)
    $command = 'Enable-OrganizationCustomization'
    if (-not (Get-Command -Name $command -ErrorAction SilentlyContinue)) { throw "failed: Not here: $Failure" }
    if ($Run.Customized -and (Get-Date).AddMinutes(-$TimeoutMinutes) -lt [datetime]$Report.startedAt) { return }
    if ($Run.Customized) { throw 'customization-pending: It is enabled, not in effect yet. Run this again later.' }
    $ask = { $Run.Script.ShouldContinue('This cannot be undone.', $command) } # which fails where nobody can answer
    $Run.Yes = $Run.Yes -or $EnableCustomization -or $(try { & $ask } catch { $false })
    if (-not $Run.Yes) { throw "interrupted: Not agreed to (-EnableCustomization), and not run: $command" }
    try {
        $null = & $command -Confirm:$false -ErrorAction Stop
        $Report.changed = $Run.Customized = $true
        $Report.steps += @{ id = 'customize'; status = 'changed'; command = $command; irreversible = $true }
    } catch { # Half done is tried again.
        $Run.Customized = (Get-ExgFault -Failure $_) -eq 'already_customized'
        if (-not $Run.Customized -and ++$Run.Halfway -gt 3) { throw }
    }
}
