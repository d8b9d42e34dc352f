<#
.SYNOPSIS
Sets WSL2 up for a server: memory, networking, systemd; with -Lan also the way in from the local network.
.DESCRIPTION
Writes memory and, from Windows 11 22H2 on, networkingMode=mirrored into %UserProfile%\.wslconfig, leaves its other lines
alone, and keeps the file as it was in .wslconfig.before-mana-stt. Turns systemd on in the distribution. Safe to run again.
Afterwards run: wsl --shutdown
.PARAMETER MemoryGigabytes
For WSL2 as a whole. Default: three quarters of the machine; Windows itself would give half.
.PARAMETER Lan
Opens the port to the local network; needs an administrator. On Windows 10 a port proxy is set, which has to be set again
after each restart of WSL, since its address changes.
.EXAMPLE
.\set-up-wsl.ps1 -Distribution Ubuntu-24.04 -MemoryGigabytes 24 -Lan
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)][ValidatePattern('^[\w.-]+$')][string]$Distribution,
    [ValidateRange(0, 4096)][int]$MemoryGigabytes = 0,
    [ValidateRange(1, 65535)][int]$Port = 3020,
    [switch]$Lan
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module (Join-Path $PSScriptRoot 'mana-stt.psm1') -Force

if ($Lan -and -not (Test-ManaSttAdministrator)) {
    throw '-Lan needs an administrator: start PowerShell with "Run as administrator"'
}
$utf8 = [System.Text.UTF8Encoding]::new($false)

$path = Join-Path $env:USERPROFILE '.wslconfig'
$before = ''
if (Test-Path -LiteralPath $path) {
    $before = [System.IO.File]::ReadAllText($path)
}
if ($MemoryGigabytes -eq 0) {
    $bytes = (Get-CimInstance -ClassName Win32_ComputerSystem).TotalPhysicalMemory
    $MemoryGigabytes = [int][Math]::Max(4, [Math]::Floor($bytes / 1073741824 * 0.75))
}
$after = Set-IniValue -Text $before -Section 'wsl2' -Name 'memory' -Value "$($MemoryGigabytes)GB"
$mirrored = Test-MirroredNetworking
if ($mirrored) {
    $after = Set-IniValue -Text $after -Section 'wsl2' -Name 'networkingMode' -Value 'mirrored'
}
if (($after -ne $before) -and $PSCmdlet.ShouldProcess($path, 'write')) {
    $backup = "$path.before-mana-stt"
    if (($before -ne '') -and -not (Test-Path -LiteralPath $backup)) {
        [System.IO.File]::WriteAllText($backup, $before, $utf8)
    }
    [System.IO.File]::WriteAllText($path, $after, $utf8)
    Write-Output "wrote $path; it counts after: wsl --shutdown"
}

# In the distribution: systemd. A file that says something about it already is left alone.
# No double quotes inside: Windows PowerShell loses them on the way to a program.
$script = "grep -qs '^ *systemd *=' /etc/wsl.conf || printf '\n[boot]\nsystemd=true\n' >> /etc/wsl.conf"
if ($PSCmdlet.ShouldProcess($Distribution, 'turn systemd on in /etc/wsl.conf')) {
    & wsl.exe --distribution $Distribution --user root --exec sh -c $script
    if ($LASTEXITCODE -ne 0) {
        throw "wsl.exe cannot change /etc/wsl.conf in $Distribution"
    }
}

if ($Lan -and $PSCmdlet.ShouldProcess("port $Port", 'open to the local network')) {
    if (-not $mirrored) {
        Set-ManaSttPortProxy -Distribution $Distribution -Port $Port
    }
    Set-ManaSttFirewallRule -Port $Port
    Write-Output "port $Port is open to the local network; the service also needs HOST=0.0.0.0 and a key"
}
