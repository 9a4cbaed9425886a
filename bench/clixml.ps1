# Reads the documents of $Files once for every line on standard input, and prints the
# seconds that it took and the bytes that it allocated.
$texts = foreach ($file in $Files) { [System.IO.File]::ReadAllText($file) }
while ($null -ne [Console]::In.ReadLine()) {
    $before = [System.GC]::GetTotalAllocatedBytes($true)
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    foreach ($text in $texts) { $null = [System.Management.Automation.PSSerializer]::Deserialize($text) }
    $seconds = $watch.Elapsed.TotalSeconds
    [Console]::Out.WriteLine("$seconds $([System.GC]::GetTotalAllocatedBytes($true) - $before)")
}
