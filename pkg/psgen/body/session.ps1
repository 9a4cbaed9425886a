function Open-ExgSession { # Makes sure that this is the right shell, and lets it see the whole forest.
    $needed = 'Get-Recipient', 'Get-User', 'Get-Group', '{{command}}'
    $here = @(Get-Command -Name $needed -ErrorAction SilentlyContinue)
    $from = "$($here | ForEach-Object -Process { $_.ModuleName, $_.Module.Description }) "
    if ($from -match '{{cloud}}') {
        throw 'failed: This is a shell of Exchange Online, where the role is gone: see "exgrant script office365".'
    }
    if ($here.Count -lt 4{{needed}}) {
        $open = '$s = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri http://SERVER/PowerShell/'
        $lack = "It takes $($needed -join ', '){{with}} ({{role}})"
        throw "failed: $lack. Use the management shell, or:`n$open -Authentication Kerberos`nImport-PSSession `$s"
    }
    $view = Get-ADServerSettings -ErrorAction Stop
    $first = @{ DomainController = "$($view.DefaultConfigurationDomainController)" } # shows changes at once
    $answers = try { Get-ManagementRole @first -RoleType $Grant.role -ErrorAction Stop } catch { $null }
    if ($answers -and -not $Pin.Count) { $script:At = $first }
    $script:View = @{ ViewEntireForest = "$($view.ViewEntireForest)" -eq 'True' }
    if ("$($view.RecipientViewRoot)") { $script:View = @{ RecipientViewRoot = "$($view.RecipientViewRoot)" } }
    Set-ADServerSettings -ViewEntireForest $true -ErrorAction Stop -WhatIf:$false -Confirm:$false
}
