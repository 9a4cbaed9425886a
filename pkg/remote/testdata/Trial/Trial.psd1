@{
    RootModule        = 'Trial.psm1'
    ModuleVersion     = '1.0'
    FunctionsToExport = @('Get-TrialObject', 'Get-TrialTrouble', 'Get-TrialNoise', 'Get-TrialInput', 'Get-TrialEcho', 'Get-TrialWait', 'Get-TrialEnd', 'Get-TrialProcess', 'Get-TrialDeaf', 'Set-Trial')
    CmdletsToExport   = @()
    AliasesToExport   = @()
}
