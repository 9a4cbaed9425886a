function Get-ExgFault {
    # Tells what an error means: the first of $ExgFaultRules that matches, as a dictionary with the fields of
    # the report's "fault". A rule matches when every field that it has does; an empty entry among its types or
    # cmdlets stands for an error that shows none.
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][System.Management.Automation.ErrorRecord]$ErrorRecord)

    $info = $ErrorRecord.CategoryInfo
    $errorId = [string]$ErrorRecord.FullyQualifiedErrorId
    $message = ([string]$ErrorRecord.Exception.Message).Trim()

    # Over remoting the client sees RemoteException; the server's own type is that of the serialized copy.
    $exceptionType = $ErrorRecord.Exception.GetType().FullName
    $remote = $ErrorRecord.Exception.PSObject.Properties['SerializedRemoteException']
    if ($null -ne $remote -and $null -ne $remote.Value) {
        $exceptionType = $remote.Value.PSObject.TypeNames[0] -replace '^Deserialized\.', ''
    }

    # Text is compared with white space collapsed and typographic quotes made plain.
    $text = @($message, $errorId)[$message -eq ''] -replace '\s+', ' '
    $text = $text.Trim() -replace '[\u2018\u2019]', "'" -replace '[\u201C\u201D]', '"'

    $category = ''
    if (($errorId + ' ' + $message) -cmatch '\[FailureCategory=([A-Za-z0-9]+-[A-Za-z0-9_.]+)\]') {
        $category = $Matches[1]
    }

    # The cmdlet: its activity, or the class of its task, such as "...RbacTasks.NewManagementRoleAssignment".
    $cmdlet = [string]$info.Activity
    if ($cmdlet -notlike '*-*' -or $cmdlet -clike 'Write-Error*') {
        $cmdlet = ''
        if ($errorId -cmatch ',(?:[A-Za-z0-9_]+\.)*([A-Z][a-z]+)([A-Z][A-Za-z0-9]*?)(?:Task|Command)?$') {
            $cmdlet = $Matches[1] + '-' + $Matches[2]
        }
    }

    # The exception: the first name that is no mere wrapper, in the record's fields, else in the text.
    $names = @(($category -replace '^[^-]*-?', ''), $exceptionType, [string]$info.Reason, ($errorId -split ',')[0])
    $inText = @([regex]::Matches($text, $ExgFaultTypePattern) | ForEach-Object { $_.Groups[1].Value })
    $names = @($names -clike '*Exception') + @($inText -cnotmatch '(^|\.)PSRemoting')
    $names = @($names | ForEach-Object { $_ -replace '^(?!.*\.\.\.).*\.', '' })
    $exception = [string]@($names | Where-Object { $ExgFaultWrappers -cnotcontains $_ })[0]

    # PowerShell shows of a long name the first and the last 15 characters, "..." between them.
    $typePattern = [regex]::Escape($exception)
    if ($exception.Length -ge 33) {
        $typePattern = $typePattern -replace '\\\.\\\.\\\.', '.+'
    }
    $parts = $errorId.Trim() -split '\s*,\s*'
    $area = $category -replace '-.*$', '-'
    $seen = @{
        Category = '^(?:' + [regex]::Escape($category) + '|' + [regex]::Escape($area) + ')$'
        Type     = '^' + $typePattern + '$'
        ErrorId  = '^(?:' + (@($parts | ForEach-Object { [regex]::Escape($_) }) -join '|') + ')$'
        Cmdlet   = '^' + [regex]::Escape($cmdlet) + '$'
    }
    foreach ($rule in $ExgFaultRules) {
        $misses = @($rule.Keys | Where-Object { $seen[$_] -and @($rule[$_] -match $seen[$_]).Count -eq 0 })
        if ($misses.Count -eq 0 -and (-not $rule['Text'] -or $text -cmatch $rule['Text']) -and
            (-not $rule['Unless'] -or $text -cnotmatch $rule['Unless'])) {
            break
        }
    }

    $record = [ordered]@{
        fullyQualifiedErrorId = $errorId
        exceptionType         = $exceptionType
    }
    foreach ($field in @('Category', 'Reason', 'Activity', 'TargetName')) {
        $record[$field.Substring(0, 1).ToLowerInvariant() + $field.Substring(1)] = [string]$info.$field
    }
    foreach ($empty in @($record.Keys | Where-Object { $record[$_] -eq '' })) {
        $record.Remove($empty)
    }
    [ordered]@{
        id      = $rule['Fault']
        rule    = $rule['Rule']
        message = $message
        hint    = $rule['Hint']
        retry   = $rule['Retry']
        source  = $rule['Source']
        record  = $record
    }
}
