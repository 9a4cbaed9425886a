# Runs the procedure, puts back what must not stay whatever happens, and tells the result.

function Invoke-ExgScript {
    $ErrorActionPreference = 'Stop'
    try {
        $null = Invoke-ExgProcedure
        $Exg.Done = $true
    } catch {
        if (-not $Exg.Stopped) { Stop-ExgUnexpected -ErrorRecord $_ }
        $Exg.Done = $true
    } finally {
        if (-not $Exg.Done) { $Exg.Report.outcome = 'interrupted' }
        Close-ExgShell
        if (-not $Exg.Done) { Save-ExgReport }
    }
    Save-ExgReport
}

$Exg = @{
    Cmdlet       = $PSCmdlet
    Quiet        = [bool]$AsJson
    ReportPath   = $ReportPath
    RecordMarker = $RecordMarker
    Step         = 'preflight'
}
$Exg.Report = New-ExgReport -Operation $Operation
Invoke-ExgScript
Write-ExgResult
# By -File and & the code reaches the caller; dot-sourced, exit would end the administrator's shell.
if ($MyInvocation.InvocationName -ne '.') { exit (Get-ExgExitCode) }
