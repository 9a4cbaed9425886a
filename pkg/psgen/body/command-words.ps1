    $words = foreach ($name in $With.Keys) {
        $texts = @($With[$name]) -replace "['\u2018-\u201b]", '$0$0' # all that PowerShell takes for a single quote
        if ($With[$name] -is [bool]) { "-${name}:`$$texts" } else { "-$name '$($texts -join "', '")'" }
    }
