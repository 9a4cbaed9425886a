
# Stand-ins for what this engine lacks, as far as a client sees it: sessions of Exchange, and signatures. The
# lines above give $script:PasswordHash, User, Sessions (a folder with a file for each open session), Exchange
# (the module with the organization's commands) and Signature (the status of a script that has a block).

function New-TransportError {
    param([string]$Message, [int]$Code, [string]$Id)
    $exception = New-Object -TypeName System.Management.Automation.Remoting.PSRemotingTransportException -ArgumentList @(
        "Connecting to remote server ex01.contoso.test failed with the following error message : $Message For more " +
        'information, see the about_Remote_Troubleshooting Help topic.')
    $exception.ErrorCode = $Code
    New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList @(
        $exception, "$Id,PSSessionOpenFailed", 'OpenError', $null)
}

function New-PSSession {
    [CmdletBinding()]
    param(
        [string]$ConfigurationName,
        [uri]$ConnectionUri,
        [pscredential]$Credential,
        [string]$Authentication,
        [object]$SessionOption,
        [switch]$AllowRedirection
    )
    if ($ConfigurationName -ne 'Microsoft.Exchange' -or $ConnectionUri.AbsolutePath -notmatch '^/PowerShell/?$') {
        $PSCmdlet.ThrowTerminatingError((New-TransportError -Code -2144108485 -Id '-2144108485' -Message ('The ' +
                    "WS-Management service cannot process the request. The resource URI ($ConnectionUri) was not found.")))
    }
    if ($Authentication -ne 'Kerberos') {
        $PSCmdlet.ThrowTerminatingError((New-TransportError -Code 5 -Id 'AccessDenied' -Message 'Access is denied.'))
    }
    if (-not $Credential) {
        # A network log-on has nothing to go on with.
        $PSCmdlet.ThrowTerminatingError((New-TransportError -Code 1312 -Id '1312' -Message ('WinRM cannot process the ' +
                    'request. The following error with errorcode 0x8009030e occurred while using Kerberos authentication: ' +
                    'A specified logon session does not exist. It may already have been terminated.')))
    }
    if ($script:PasswordHash) {
        $bytes = [System.Text.Encoding]::UTF8.GetBytes($Credential.GetNetworkCredential().Password)
        $hash = [BitConverter]::ToString([System.Security.Cryptography.SHA256]::Create().ComputeHash($bytes)) -replace '-'
        if ($hash -ne $script:PasswordHash) {
            $PSCmdlet.ThrowTerminatingError((New-TransportError -Code 1326 -Id 'LogonFailure' -Message ('The user name ' +
                        'or password is incorrect.')))
        }
    }
    if ($script:Permitted -ne 'true') {
        # What Exchange's AuthZ plug-in answers: the code is that of another trouble.
        $PSCmdlet.ThrowTerminatingError((New-TransportError -Code -2141974624 -Id 'IncorrectProtocolVersion' -Message (
                    "[FailureCategory=AuthZ-CmdletAccessDeniedException] The user `"$($script:User)`" isn't assigned to " +
                    'any management roles.')))
    }
    $id = [guid]::NewGuid()
    [System.IO.File]::WriteAllText([System.IO.Path]::Combine($script:Sessions, "$id"), $Credential.UserName)
    $session = New-Object -TypeName System.Management.Automation.PSObject -Property @{
        Id = 1; Name = 'WinRM1'; InstanceId = $id; State = 'Opened'; ComputerName = $ConnectionUri.Host
        ConfigurationName = 'Microsoft.Exchange'; Availability = 'Available'
    }
    $session.PSObject.TypeNames.Insert(0, 'System.Management.Automation.Runspaces.PSSession')
    $session
}

function Remove-PSSession {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(ValueFromPipeline = $true)]$Session)
    process {
        foreach ($one in $Session) {
            [System.IO.File]::Delete([System.IO.Path]::Combine($script:Sessions, "$($one.InstanceId)"))
        }
    }
}

function Import-PSSession {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true, Position = 0)]$Session,
        [string[]]$CommandName,
        [switch]$AllowClobber,
        [switch]$DisableNameChecking
    )
    $policy = "$(Get-ExecutionPolicy)"
    if ('Restricted', 'AllSigned' -contains $policy) {
        $PSCmdlet.ThrowTerminatingError((New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList @(
                    (New-Object -TypeName System.Management.Automation.PSSecurityException -ArgumentList (
                        "Files cannot be loaded because running scripts is disabled on this system: $policy.")),
                    'UnauthorizedAccess,Microsoft.PowerShell.Commands.ImportPSSessionCommand', 'SecurityError', $null)))
    }
    if (-not [System.IO.File]::Exists([System.IO.Path]::Combine($script:Sessions, "$($Session.InstanceId)"))) {
        throw 'The session is closed.'
    }
    if (-not $CommandName) { $CommandName = '*' }
    Import-Module -Name $script:Exchange -Function (@($CommandName) + 'Get-Date', 'Start-Sleep') -Global -PassThru -DisableNameChecking
}

function Get-AuthenticodeSignature {
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$FilePath)
    $status = 'NotSigned'
    $message = "The file $FilePath is not digitally signed."
    if ([System.IO.File]::ReadAllText($FilePath) -match '(?m)^# SIG # Begin signature block') {
        $status = $script:Signature
        $message = if ($status -eq 'Valid') { 'Signature verified.' } else {
            "The contents of file $FilePath might have been changed by an unauthorized user or process."
        }
    }
    New-Object -TypeName System.Management.Automation.PSObject -Property @{
        Status = $status; StatusMessage = $message; Path = $FilePath
    }
}

Export-ModuleMember -Function New-PSSession, Remove-PSSession, Import-PSSession, Get-AuthenticodeSignature
