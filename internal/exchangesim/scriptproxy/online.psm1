
function Get-ConnectionInformation {
    # What the ExchangeOnlineManagement module tells of its connection.
    [CmdletBinding()]
    param()
    $connection = New-Object -TypeName System.Management.Automation.PSObject -Property @{
        ConnectionId                    = [guid]'5b1c1c0e-92cf-4a6c-8a55-9f0a9a4d2f11'
        State                           = 'Connected'
        Id                              = 1
        Name                            = 'ExchangeOnline_1'
        UserPrincipalName               = 'administrator@contoso.test'
        ConnectionUri                   = 'https://outlook.office365.com'
        TokenStatus                     = 'Active'
        ConnectionUsedForInbuiltCmdlets = $true
        IsEopSession                    = $false
        ModuleName                      = $MyInvocation.MyCommand.ModuleName
    }
    $connection.PSObject.TypeNames.Insert(0, 'Microsoft.Exchange.Management.ExoPowershellSnapin.ConnectionInformation')
    $connection
}
