#!/usr/bin/env bash
# Installs mana-stt as a systemd service, takes it away again, or says how it is. Safe to run twice.
#
#   sudo origin/ops/linux/service.sh install [--with-tunnel] [--no-start]
#   sudo origin/ops/linux/service.sh uninstall [--purge]     keeps data and settings, unless --purge
#   origin/ops/linux/service.sh status                       0 runs, 3 does not run, 4 is not installed
#
#   --dry-run      says what it would do, and does nothing
#   --root FOLDER  works below FOLDER and starts nothing; for tests and images
set -euo pipefail

readonly service=mana-stt
readonly tunnel=mana-stt-tunnel
app_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
readonly app_dir
readonly here=$app_dir/origin/ops/linux
readonly least_node=22.18

command=
root=
is_dry=false
with_tunnel=false
starts=true
purges=false

usage() {
  sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

die() {
  printf 'service.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

say() {
  printf '%s\n' "$*"
}

# Runs a command that changes files, or says it.
change() {
  if $is_dry; then say "would run: $*"; else "$@"; fi
}

# Runs a command that changes the system beyond files; below --root there is no system.
system() {
  if $is_dry; then
    say "would run: $*"
  elif [[ -z $root ]]; then
    "$@"
  fi
}

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      install | uninstall | status) command=$1 ;;
      --root)
        [[ ${2:-} == /* ]] || die '--root needs an absolute folder' 2
        root=${2%/}
        shift
        ;;
      --dry-run) is_dry=true ;;
      --with-tunnel) with_tunnel=true ;;
      --no-start) starts=false ;;
      --purge) purges=true ;;
      -h | --help)
        usage
        exit 0
        ;;
      *) die "unknown argument: $1 (see --help)" 2 ;;
    esac
    shift
  done
  [[ -n $command ]] || { usage >&2; exit 2; }
  units=$root/etc/systemd/system
  config=$root/etc/mana-stt
  state=$root/var/lib/mana-stt
}

need_root() {
  if [[ -z $root ]] && ! $is_dry; then
    ((EUID == 0)) || die 'run this with sudo'
    [[ -d /run/systemd/system ]] || die 'systemd does not run here; in WSL2 set systemd=true in /etc/wsl.conf'
  fi
}

# The one that npm ci brought along, or the system's if it is new enough.
find_node() {
  local candidate
  for candidate in "$app_dir/node_modules/.bin/node" "$(command -v node || true)"; do
    [[ -x $candidate ]] || continue
    if "$candidate" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 18) ? 0 : 1)'; then
      say "$candidate"
      return
    fi
  done
  die "no Node $least_node or later; run npm ci in $app_dir first"
}

# Homes are hidden from the service, unless it lives in one.
protect_home() {
  case $app_dir in
    /home/* | /root/* | /run/user/*) say read-only ;;
    *) say true ;;
  esac
}

# render TEMPLATE TARGET MODE NAME=VALUE…: writes only what differs.
render() {
  local template=$1 target=$2 mode=$3 text pair
  shift 3
  text=$(cat "$template")
  for pair in "$@"; do
    text=${text//"@${pair%%=*}@"/"${pair#*=}"}
  done
  if [[ -f $target && $(cat "$target") == "$text" ]]; then
    return
  fi
  say "writes $target"
  $is_dry && return
  printf '%s\n' "$text" >"$target.new"
  chmod "$mode" "$target.new"
  mv -f "$target.new" "$target"
}

make_user() {
  if ! getent passwd mana-stt >/dev/null; then
    system useradd --system --user-group --home-dir /var/lib/mana-stt --no-create-home \
      --shell /usr/sbin/nologin mana-stt
  fi
  # The GPU's device files belong to these groups on some distributions.
  local group
  for group in video render; do
    if getent group "$group" >/dev/null; then
      system usermod --append --groups "$group" mana-stt
    fi
  done
}

# Settings outlive an uninstall beside the data.
make_config() {
  if [[ -d $state/settings && ! -d $config ]]; then
    say "brings back $config"
    change mkdir -p "$(dirname "$config")"
    change mv "$state/settings" "$config"
  fi
  change mkdir -p "$config"
  change chmod 0750 "$config"
  if [[ ! -f $config/mana-stt.env ]]; then
    render "$here/mana-stt.example.env" "$config/mana-stt.env" 0640
  fi
  system chown -R root:mana-stt "$config"
}

install_tunnel() {
  local cloudflared
  cloudflared=$(command -v cloudflared || true)
  [[ -n $cloudflared ]] || die 'cloudflared is not installed; see https://developers.cloudflare.com/tunnel/downloads/'
  if [[ ! -f $config/tunnel.env ]]; then
    say "writes $config/tunnel.env; put the tunnel's token there"
    $is_dry || (umask 0077 && printf 'TUNNEL_TOKEN=\n' >"$config/tunnel.env")
  fi
  render "$here/$tunnel.service" "$units/$tunnel.service" 0644 \
    "CONFIG_DIR=/etc/mana-stt" "CLOUDFLARED=$cloudflared"
}

start_units() {
  system systemctl daemon-reload
  local unit
  for unit in "$@"; do
    system systemctl enable "$unit"
    if $starts; then system systemctl restart "$unit"; fi
  done
}

install_service() {
  need_root
  local node installed=("$service")
  node=$(find_node)
  case $app_dir$node in
    *[[:space:]%@]*) die "the path $app_dir has a character that systemd reads otherwise; move the checkout" ;;
  esac
  make_user
  change mkdir -p "$units" "$state"
  change chmod 0700 "$state"
  make_config
  system chown -R mana-stt:mana-stt "$state"
  render "$here/$service.service" "$units/$service.service" 0644 "APP_DIR=$app_dir" "NODE=$node" \
    "CONFIG_DIR=/etc/mana-stt" "STATE_DIR=/var/lib/mana-stt" "PROTECT_HOME=$(protect_home)"
  if $with_tunnel; then
    install_tunnel
    # Without a token it would only fail again and again.
    if ! $is_dry && grep -q '^TUNNEL_TOKEN=.' "$config/tunnel.env"; then
      installed+=("$tunnel")
    else
      say "then: sudo systemctl enable --now $tunnel"
    fi
  fi
  start_units "${installed[@]}"
  say "installed; settings are in $config/mana-stt.env, data in $state, the log in: journalctl -u $service"
}

uninstall_service() {
  need_root
  local unit
  for unit in "$tunnel" "$service"; do
    if [[ -f $units/$unit.service ]]; then
      system systemctl disable --now "$unit"
      say "removes $units/$unit.service"
      change rm -f "$units/$unit.service"
    fi
  done
  system systemctl daemon-reload
  system systemctl reset-failed "$service" "$tunnel" 2>/dev/null || true
  keep_or_purge
  if getent passwd mana-stt >/dev/null; then system userdel mana-stt; fi
  if $purges; then
    say 'uninstalled; nothing is left'
  else
    say "uninstalled; data and settings are left in $state"
  fi
}

keep_or_purge() {
  if $purges; then
    change rm -rf "$config" "$state"
    return
  fi
  if [[ -d $config ]]; then
    change mkdir -p "$state"
    change rm -rf "$state/settings"
    change mv "$config" "$state/settings"
  fi
  # Its user goes: whoever gets that number next must not read recordings.
  if [[ -d $state ]]; then
    system chown -R root:root "$state"
    change chmod 0700 "$state"
  fi
}

show_status() {
  if [[ ! -f $units/$service.service ]]; then
    say "$service is not installed"
    exit 4
  fi
  say "$service is installed: $units/$service.service"
  [[ -z $root ]] || exit 0
  local unit
  for unit in "$service" "$tunnel"; do
    [[ -f $units/$unit.service ]] || continue
    say "$unit: $(systemctl is-active "$unit" || true), $(systemctl is-enabled "$unit" || true) at boot"
  done
  if command -v curl >/dev/null; then
    curl --silent --show-error --max-time 5 "http://127.0.0.1:$(port)/health" || true
    say ''
  fi
  systemctl is-active --quiet "$service" || exit 3
}

port() {
  local found
  found=$(sed -n 's/^PORT=\([0-9]\{1,5\}\)$/\1/p' "$config/mana-stt.env" 2>/dev/null | tail -n 1 || true)
  say "${found:-3020}"
}

parse_arguments "$@"
case $command in
  install) install_service ;;
  uninstall) uninstall_service ;;
  status) show_status ;;
esac
