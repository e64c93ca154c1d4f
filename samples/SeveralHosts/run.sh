#!/usr/bin/env bash
# Two hosts with a supervisor each, and an nginx in front of them, each in its own network namespace; runs until Ctrl+C.
#
#   sudo bash samples/SeveralHosts/run.sh [APP.dll]     (default: samples/Hello)
#
# Needs root, for network namespaces. What it creates is named after its process id, and removed at the end.
set -euo pipefail

sample=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$sample/../.." && pwd)

[ "$(id -u)" = 0 ] || { echo "run.sh creates network namespaces, which needs root: sudo bash $0" >&2; exit 1; }
for tool in dotnet nginx ip; do
  command -v "$tool" >/dev/null || { echo "run.sh needs $tool. On Debian and Ubuntu: apt-get install ${tool/#ip/iproute2}" >&2; exit 1; }
done

# MSBuild prints the requested property instead of its log; if the build fails it prints the errors.
target() { dotnet build "$1" --nologo -t:Build --getProperty:TargetPath || { dotnet build "$1" --nologo >&2; exit 1; }; }
green=${GREEN:-$(target "$root/src/KestrelGreenTransport.Tool")}
app=$(realpath "${1:-$(target "$root/samples/Hello")}")

# 198.18.0.0/15 is reserved for such tests. Each running script uses its own number.
id=$$
prefix=$(mktemp -d -t several-hosts.XXXXXX)
exec 9>/tmp/several-hosts.lock
flock 9
for number in $(seq 0 255); do
  net=198.18.$number
  [ -z "$(ip -4 route show to match "$net.1" | grep -v ^default || true)" ] && break
done
edge=green-$id-edge
stop() {
  trap '' INT TERM
  touch "$prefix/stopping"
  for process in ${nginx:-} ${hosts:-}; do
    kill -TERM "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  for name in $edge green-$id-host1 green-$id-host2; do
    ip netns delete "$name" 2>/dev/null || true
  done
  ip link delete "green$id" 2>/dev/null || true
  rm -rf "$prefix"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A switch in the edge's network; this machine and both hosts are plugged into it.
plug() { # NUMBER, of the last byte of its address; then what makes "ip" mean the host's
  local number=$1; shift
  ip link add "green$id" type veth peer name "port$number" netns "$edge"
  ip -n "$edge" link set "port$number" master switch up
  [ $# = 0 ] || { ip link set "green$id" netns "$1"; ip -n "$1" link set "green$id" name eth0; }
  ip ${1:+-n "$1"} address add "$net.$number/24" dev "$([ $# = 0 ] && echo "green$id" || echo eth0)"
  ip ${1:+-n "$1"} link set "$([ $# = 0 ] && echo "green$id" || echo eth0)" up
}
ip netns add "$edge"
ip -n "$edge" link set lo up
ip -n "$edge" link add switch type bridge
ip -n "$edge" address add "$net.10/24" dev switch
ip -n "$edge" link set switch up
for host in 1 2; do
  ip netns add "green-$id-host$host"
  ip -n "green-$id-host$host" link set lo up
  plug "$host" "green-$id-host$host"
done
plug 254
flock -u 9

# Does what systemd does on a real host: starts the supervisor, and restarts it when it exits.
host() {
  local supervisor=''
  trap '[ -z "$supervisor" ] || kill -TERM "$supervisor" 2>/dev/null || true' TERM
  until [ -e "$prefix/stopping" ]; do
    ip netns exec "green-$id-host$1" dotnet "$green" run -w 2 -b "$net.$1:8080" --name "host$1" "$app" &
    supervisor=$!
    while kill -0 "$supervisor" 2>/dev/null; do wait "$supervisor" || true; done
    [ -e "$prefix/stopping" ] || sleep 1
  done
}
cd "$(dirname "$app")"
host 1 9>&- &
hosts=$!
host 2 9>&- &
hosts="$hosts $!"

sed -e "s|@HOST1@|$net.1:8080|" -e "s|@HOST2@|$net.2:8080|" -e "s|@LISTEN@|$net.10:80|" -e "s|@USER@|$(id -un)|" \
  "$sample/nginx.conf" >"$prefix/nginx.conf"
ip netns exec "$edge" nginx -p "$prefix" -c nginx.conf -e "$prefix/error.log" -g 'daemon off;' 9>&- &
nginx=$!

echo "nginx listens on http://$net.10 in front of green-$id-host1 and green-$id-host2. Ctrl+C stops them all."
wait "$nginx"
