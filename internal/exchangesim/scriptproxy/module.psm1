# What every proxy function of this module uses. The module's generated part gives
# $script:Address, $script:Token, $script:Server, $script:Reference, $script:References and the functions.

Add-Type -AssemblyName System.Net.Http
$script:Handler = New-Object -TypeName System.Net.Http.HttpClientHandler
$script:Handler.UseProxy = $false
$script:Client = New-Object -TypeName System.Net.Http.HttpClient -ArgumentList $script:Handler
$script:Client.Timeout = [System.Threading.Timeout]::InfiniteTimeSpan
$script:Client.DefaultRequestHeaders.Add('X-Exgrant-Token', $script:Token)

$script:NonPublic = [System.Reflection.BindingFlags]'Instance, NonPublic'
$script:CommonParameters = @([System.Management.Automation.Cmdlet]::CommonParameters) +
    @([System.Management.Automation.Cmdlet]::OptionalCommonParameters)

# In a Management Shell, which has Exchange's own types, what refers to an object of the directory is an object: its
# text is the value, and it is equal to no text. $script:Reference is its type, and $script:References are the properties
# that can hold some; without a type, what arrives stays as PowerShell's deserializer makes it.
$script:LiveType = $null
$script:ReferencesOf = @{}
if ($script:Reference) {
    $script:LiveType = $script:Reference -as [type]
    if (-not $script:LiveType) {
        $assembly = New-Object -TypeName System.Reflection.AssemblyName -ArgumentList 'ExchangeTypes'
        $assembly = [System.Reflection.Emit.AssemblyBuilder]::DefineDynamicAssembly($assembly, 'Run')
        $type = $assembly.DefineDynamicModule('ExchangeTypes').DefineType($script:Reference, 'Public')
        $field = $type.DefineField('text', [string], 'Private')
        $il = $type.DefineConstructor('Public', 'Standard', [type[]]@([string])).GetILGenerator()
        $il.Emit([System.Reflection.Emit.OpCodes]::Ldarg_0)
        $il.Emit([System.Reflection.Emit.OpCodes]::Call, [object].GetConstructor([type]::EmptyTypes))
        $il.Emit([System.Reflection.Emit.OpCodes]::Ldarg_0)
        $il.Emit([System.Reflection.Emit.OpCodes]::Ldarg_1)
        $il.Emit([System.Reflection.Emit.OpCodes]::Stfld, $field)
        $il.Emit([System.Reflection.Emit.OpCodes]::Ret)
        $il = $type.DefineMethod('ToString', 'Public, Virtual, HideBySig', [string], [type]::EmptyTypes).GetILGenerator()
        $il.Emit([System.Reflection.Emit.OpCodes]::Ldarg_0)
        $il.Emit([System.Reflection.Emit.OpCodes]::Ldfld, $field)
        $il.Emit([System.Reflection.Emit.OpCodes]::Ret)
        $script:LiveType = $type.CreateType()
    }
}

function Set-LiveReference {
    # Puts objects of that type in the place of texts. Objects of one type have the same properties.
    param($Objects)
    foreach ($object in $Objects) {
        $all = $object.PSObject.Properties
        $kind = $object.PSObject.TypeNames[0]
        if (-not $script:ReferencesOf.ContainsKey($kind)) {
            $script:ReferencesOf[$kind] = @($script:References | Where-Object -FilterScript { $all[$_] })
        }
        foreach ($name in $script:ReferencesOf[$kind]) {
            $property = $all[$name]
            $value = $property.Value
            if ($value -is [System.Collections.ArrayList]) {
                for ($i = 0; $i -lt $value.Count; $i++) {
                    $value[$i] = [Activator]::CreateInstance($script:LiveType, [object[]]@("$($value[$i])"))
                }
            } elseif ($null -ne $value) {
                $property.Value = [Activator]::CreateInstance($script:LiveType, [object[]]@("$value"))
            }
        }
    }
}

function Send-Request {
    # Posts JSON and returns the response as soon as its head is there.
    param([string] $Path, $Body)
    $request = New-Object -TypeName System.Net.Http.HttpRequestMessage -ArgumentList 'POST', ($script:Address + $Path)
    $json = ConvertTo-Json -InputObject $Body -Depth 4 -Compress
    $request.Content = New-Object -TypeName System.Net.Http.StringContent -ArgumentList $json
    try {
        $response = $script:Client.SendAsync($request, 'ResponseHeadersRead').GetAwaiter().GetResult()
    } catch {
        throw "The simulator at $script:Address does not answer: has it been stopped? $_"
    }
    if (-not $response.IsSuccessStatusCode) {
        $text = $response.Content.ReadAsStringAsync().GetAwaiter().GetResult().Trim()
        $response.Dispose()
        throw "The simulator refused the request: $text"
    }
    return $response
}

function ConvertTo-ParameterValue {
    # Identities may be strings, GUIDs or objects that an earlier command returned; a
    # real session sends their text.
    param($Value)
    if ($null -eq $Value) {
        return $null
    }
    if ($Value -is [bool] -or $Value -is [int] -or $Value -is [long]) {
        return $Value
    }
    if ($Value -is [System.Management.Automation.SwitchParameter]) {
        return $Value.IsPresent
    }
    if ($Value -is [datetime]) {
        return $Value.ToUniversalTime().ToString('o')
    }
    if ($Value -is [System.Collections.IEnumerable] -and $Value -isnot [string]) {
        return , @($Value | ForEach-Object -Process { [string]$_ })
    }
    return [string]$Value
}

function New-RemoteError {
    # The error record that a session over implicit remoting shows: a RemoteException
    # that keeps the server's one as SerializedRemoteException, the server's
    # FullyQualifiedErrorId as it is (PowerShell appends the command's name to any
    # other), and the computer's name.
    param($Record)
    $serialized = New-Object -TypeName System.Management.Automation.PSObject
    $serialized.PSObject.TypeNames.Insert(0, 'Deserialized.System.Exception')
    if ($Record.ExceptionType) {
        $serialized.PSObject.TypeNames.Insert(0, 'Deserialized.' + $Record.ExceptionType)
    }
    Add-Member -InputObject $serialized -MemberType NoteProperty -Name Message -Value $Record.Message
    $exception = New-Object -TypeName System.Management.Automation.RemoteException -ArgumentList $Record.Message
    $field = [System.Management.Automation.RemoteException].GetField('_serializedRemoteException', $script:NonPublic)
    if ($field) {
        $field.SetValue($exception, $serialized)
    }
    $category = $Record.Category -as [System.Management.Automation.ErrorCategory]
    if ($null -eq $category) {
        $category = [System.Management.Automation.ErrorCategory]::NotSpecified
    }
    $id = $Record.FullyQualifiedErrorId
    $errorRecord = New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList @(
        $exception, $id, $category, $null)
    $field = [System.Management.Automation.ErrorRecord].GetField('_serializedFullyQualifiedErrorId', $script:NonPublic)
    if ($field) {
        $field.SetValue($errorRecord, $id)
    }
    $errorRecord.CategoryInfo.Reason = $Record.Reason
    $errorRecord.CategoryInfo.Activity = $Record.Activity
    $errorRecord.CategoryInfo.TargetName = $Record.TargetName
    $origin = New-Object -TypeName System.Management.Automation.Remoting.OriginInfo -ArgumentList @(
        $script:Server, [guid]::Empty)
    return New-Object -TypeName System.Management.Automation.Runspaces.RemotingErrorRecord -ArgumentList @(
        $errorRecord, $origin)
}

function Invoke-Simulator {
    # Runs one cmdlet in the model on behalf of the proxy function whose $PSCmdlet and
    # $PSBoundParameters these are.
    param($Cmdlet, $Bound, [bool] $Changes, [bool] $WhatIf)
    $name = $Cmdlet.MyInvocation.MyCommand.Name
    $parameters = @()
    $target = $name
    foreach ($key in $Bound.Keys) {
        if ($script:CommonParameters -contains $key) { continue }
        $value = ConvertTo-ParameterValue -Value $Bound[$key]
        $parameters += @{ name = $key; value = $value }
        if ($key -eq 'Identity' -or $key -eq 'Name') { $target = [string]$value }
    }
    if ($Changes -and -not $WhatIf) {
        # The question of a real server would be asked by this shell too. One that cannot
        # ask says so by an exception, which must not let the change go on.
        try {
            $agreed = $Cmdlet.ShouldProcess($target)
        } catch {
            $Cmdlet.ThrowTerminatingError($_.Exception.InnerException.ErrorRecord)
        }
        if (-not $agreed) { return }
        $parameters += @{ name = 'Confirm'; value = $false }
    }
    if ($WhatIf) {
        $parameters += @{ name = 'WhatIf'; value = $true }
    }
    $response = Send-Request -Path '/invoke' -Body @{ cmdlet = $name; parameters = $parameters }
    $reader = $null
    try {
        $stream = $response.Content.ReadAsStreamAsync().GetAwaiter().GetResult()
        $reader = New-Object -TypeName System.IO.StreamReader -ArgumentList $stream
        while ($true) {
            $line = $reader.ReadLine()
            if ($null -eq $line) {
                throw "The simulator at $script:Address stopped in the middle of an answer."
            }
            $objects = [System.Management.Automation.PSSerializer]::DeserializeAsList($line.Substring(1))
            if ($line[0] -ne 'O') { break }
            if ($script:LiveType) { Set-LiveReference -Objects $objects }
            $Cmdlet.WriteObject($objects, $true)
        }
    } finally {
        if ($reader) { $reader.Dispose() }
        $response.Dispose()
    }
    $streams = $objects[0]
    foreach ($warning in $streams.Warnings) {
        $Cmdlet.WriteWarning($warning)
    }
    $left = @($streams.Errors).Count
    foreach ($record in $streams.Errors) {
        $left--
        $errorRecord = New-RemoteError -Record $record
        if ($streams.Failed -and $left -eq 0) {
            $Cmdlet.ThrowTerminatingError($errorRecord)
        }
        $Cmdlet.WriteError($errorRecord)
    }
    if ($WhatIf -and @($streams.Errors).Count -eq 0) {
        $null = $Cmdlet.ShouldProcess($target)
    }
}

function Start-Sleep {
    # Moves the model's time instead of waiting.
    [CmdletBinding(DefaultParameterSetName = 'Seconds')]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipeline = $true, ParameterSetName = 'Seconds')]
        [double] $Seconds,
        [Parameter(Mandatory = $true, ParameterSetName = 'Milliseconds')]
        [int] $Milliseconds,
        [Parameter(Mandatory = $true, ParameterSetName = 'Duration')]
        [timespan] $Duration
    )
    process {
        $time = switch ($PSCmdlet.ParameterSetName) {
            'Seconds' { $Seconds * 1000 }
            'Milliseconds' { $Milliseconds }
            'Duration' { $Duration.TotalMilliseconds }
        }
        $response = Send-Request -Path '/sleep' -Body @{ milliseconds = [long]$time }
        $response.Dispose()
    }
}

function Get-Date {
    # Gives the model's time where the real cmdlet gives the computer's.
    [CmdletBinding(DefaultParameterSetName = 'Format')]
    param(
        [Parameter(Position = 0, ValueFromPipeline = $true, ValueFromPipelineByPropertyName = $true)]
        [datetime] $Date,
        [int] $Year,
        [int] $Month,
        [int] $Day,
        [int] $Hour,
        [int] $Minute,
        [int] $Second,
        [int] $Millisecond,
        [string] $DisplayHint,
        [Parameter(ParameterSetName = 'Format')]
        [string] $Format,
        [Parameter(ParameterSetName = 'UFormat')]
        [string] $UFormat,
        [switch] $AsUTC
    )
    process {
        $parameters = @{}
        foreach ($key in $PSBoundParameters.Keys) {
            $parameters[$key] = $PSBoundParameters[$key]
        }
        if (-not $PSBoundParameters.ContainsKey('Date')) {
            $response = Send-Request -Path '/clock' -Body @{}
            $ticks = $response.Content.ReadAsStringAsync().GetAwaiter().GetResult()
            $response.Dispose()
            $now = New-Object -TypeName System.DateTime -ArgumentList ([long]$ticks), 'Utc'
            $parameters['Date'] = $now.ToLocalTime()
        }
        Microsoft.PowerShell.Utility\Get-Date @parameters
    }
}
