# Makes sure that this is the right shell.
function Test-ExgShell {
    param([string]$Command)
    $here = Get-Command -Name $Command -ErrorAction SilentlyContinue
# if: office365
    if (-not $here) {
        throw "failed: $Command is not here. It takes Connect-ExchangeOnline and Organization Management. " +
            'In a shell of Exchange Server the role works as ever: see "exgrant script grant".'
    }
# end
# if: audit
    $cloud = '{{cloud}}'
    if ("$($here.ModuleName) $($here.Module.Description) " -match $cloud) {
        throw 'failed: This is a shell of Exchange Online, where the role is gone: see "exgrant script office365".'
    }
    if (-not $here) {
        throw "failed: $Command is not here. It takes the Exchange Management Shell and the role Role Management."
    }
# end
}
