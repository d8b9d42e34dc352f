<#
.SYNOPSIS
What the task ManaSTT runs: the service, with its log in files that are turned over.
.DESCRIPTION
In WSL2 systemd runs the service. This starts it, follows its journal, and so keeps WSL from going to sleep.
In Windows itself this is the parent of the service. It ends when the service ends; the task then starts it again.
#>
[CmdletBinding()]
param(
    [ValidatePattern('^[\w.-]*$')][string]$Distribution = '',
    [ValidateRange(1, 1000)][int]$MaxLogMegabytes = 20,
    [ValidateRange(1, 100)][int]$KeepLogs = 10
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module (Join-Path $PSScriptRoot 'mana-stt.psm1') -Force

function Get-ServiceCommand {
    if ($Distribution -eq '') {
        $root = (Resolve-Path (Join-Path $PSScriptRoot '..\..\..')).Path
        return @{ File = 'node.exe'; Arguments = 'origin/main.ts'; Folder = $root }
    }
    & wsl.exe --distribution $Distribution --user root --exec systemctl start mana-stt.service | Out-Null
    if ($LASTEXITCODE -ne 0) {
        throw "systemd in $Distribution cannot start mana-stt; look there with: journalctl -u mana-stt"
    }
    $follow = "--distribution $Distribution --user root --exec journalctl --unit mana-stt --follow --lines 0 --output cat"
    return @{ File = 'wsl.exe'; Arguments = $follow; Folder = $PSScriptRoot }
}

function Start-ManaStt {
    param([Parameter(Mandatory)][hashtable]$Command)
    $info = [System.Diagnostics.ProcessStartInfo]::new()
    $info.FileName = $Command.File
    $info.Arguments = $Command.Arguments
    $info.WorkingDirectory = $Command.Folder
    $info.UseShellExecute = $false
    $info.CreateNoWindow = $true
    $info.RedirectStandardOutput = $true
    $info.StandardOutputEncoding = [System.Text.Encoding]::UTF8
    return [System.Diagnostics.Process]::Start($info)
}

$folder = Get-ManaSttLogFolder
$path = Join-Path $folder 'mana-stt.log'
$utf8 = [System.Text.UTF8Encoding]::new($false)
Stop-ManaSttLeftover
$process = Start-ManaStt -Command (Get-ServiceCommand)
Save-ManaSttProcess -Id $process.Id
$writer = [System.IO.StreamWriter]::new($path, $true, $utf8)
try {
    while ($null -ne ($line = $process.StandardOutput.ReadLine())) {
        if ($writer.BaseStream.Length -gt $MaxLogMegabytes * 1048576) {
            $writer.Dispose()
            Move-ManaSttLog -Folder $folder -Keep $KeepLogs
            $writer = [System.IO.StreamWriter]::new($path, $true, $utf8)
        }
        $writer.WriteLine($line)
        $writer.Flush()
    }
    $process.WaitForExit()
}
finally {
    $writer.Dispose()
    if (-not $process.HasExited) {
        $process.Kill()
    }
}
# The task starts again what ends with another code than 0, and the service should not end at all.
exit [Math]::Max(1, $process.ExitCode)
