[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
# if: grant
    [ValidateRange(0, 10080)] [double]$TimeoutMinutes = 60, # in which to try again after customization
# end
# if: grant&scoped
    [switch]$AllowEmpty, # grant although nobody is in the scope yet
# end
# if: grant
    [switch]$EnableCustomization, # agree to Enable-OrganizationCustomization; 'Yes to All' and -Confirm do not
# end
    [string]$ReportPath # a new file for the report as JSON, written also when the run fails or is stopped
)
Set-StrictMode -Off
if ("$($ExecutionContext.SessionState.LanguageMode)" -ne 'FullLanguage') {
    Write-Warning -Message 'Nothing was done: unsigned scripts may do less here than is needed. Sign this file.'
    if ($MyInvocation.InvocationName -ne '.') { exit 1 } else { return }
}
