# Runs the procedure, puts back what must not stay whatever happens, and tells the result.

function Invoke-ExgScript {
    $ErrorActionPreference = 'Stop'
    try {
        Assert-ExgReportPath
        $null = Invoke-ExgProcedure
        $Exg.Done = $true
    } catch {
        if (-not $Exg.Stopped) { Stop-ExgUnexpected -ErrorRecord $_ }
        $Exg.Done = $true
    } finally {
        if (-not $Exg.Done) {
            # Ctrl-C: a stopped pipeline takes no more output, but commands still run here.
            $Exg.Report.outcome = 'interrupted'
            $Exg.Quiet = $true
        }
        if ($Exg.AtEnd) { & $Exg.AtEnd }
        Close-ExgShell
        Save-ExgReport
    }
}

$Exg = @{
    Cmdlet       = $PSCmdlet
    Quiet        = [bool]$AsJson
    ReportPath   = if ($ReportPath) { $PSCmdlet.GetUnresolvedProviderPathFromPSPath($ReportPath) }
    RecordMarker = $RecordMarker
    Step         = 'preflight'
}
$Exg.Report = New-ExgReport -Operation $Operation
Invoke-ExgScript
Write-ExgResult
# By -File and & the code reaches the caller; dot-sourced, exit would end the administrator's shell.
if ($MyInvocation.InvocationName -ne '.') { exit (Get-ExgExitCode) }
