@{
    IncludeDefaultRules = $true
    Rules               = @{
        PSAvoidLongLines                          = @{ Enable = $true; MaximumLineLength = 115 }
        PSAvoidSemicolonsAsLineTerminators        = @{ Enable = $true }
        PSAvoidUsingDoubleQuotesForConstantString = @{ Enable = $true }
        PSAvoidUsingPositionalParameters          = @{ Enable = $true; CommandAllowList = @() }
        PSPlaceCloseBrace                         = @{ Enable = $true; NewLineAfter = $false }
        PSPlaceOpenBrace                          = @{ Enable = $true; OnSameLine = $true; NewLineAfter = $true }
        PSUseCompatibleSyntax                     = @{ Enable = $true; TargetVersions = @('3.0', '5.1', '7.0') }
        PSUseConsistentIndentation                = @{ Enable = $true; Kind = 'space'; IndentationSize = 4 }
        PSUseConsistentWhitespace                 = @{ Enable = $true }
        PSUseCorrectCasing                        = @{ Enable = $true }
    }
}
