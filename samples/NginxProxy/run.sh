#!/usr/bin/env bash
# Starts the app's workers and an nginx in front of them, and stops both when either ends or on Ctrl+C.
#
#   bash samples/NginxProxy/run.sh          the workers listen on a Unix socket
#   bash samples/NginxProxy/run.sh --tcp    the workers listen on TCP
#
# NGINX_PORT (8088) and APP_PORT (8089, with --tcp) choose other ports; GREEN and APP_DLL name programs that are already built. Nothing
# outside a temporary folder is touched.
set -euo pipefail

sample=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$sample/../.." && pwd)
nginx_port=${NGINX_PORT:-8088}
app_port=${APP_PORT:-8089}

case "${1:-}" in
  '') transport=unix ;;
  --tcp) transport=tcp ;;
  *) echo "usage: run.sh [--tcp]" >&2; exit 2 ;;
esac

for tool in dotnet nginx; do
  command -v "$tool" >/dev/null || { echo "run.sh needs $tool. On Debian and Ubuntu: apt-get install $tool" >&2; exit 1; }
done

prefix=$(mktemp -d -t nginx-proxy.XXXXXX)
app='' nginx=''
stop() {
  trap '' INT TERM
  # nginx first, so that it does not send requests to workers that are exiting.
  for process in $nginx $app; do
    kill -TERM "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  rm -rf "$prefix"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ -n "${GREEN:-}" ] || echo "Building ..."
# MSBuild prints the requested property instead of its log; if the build fails it prints the errors.
target() { dotnet build "$1" --nologo -t:Build --getProperty:TargetPath || { dotnet build "$1" --nologo >&2; exit 1; }; }
green=${GREEN:-$(target "$root/src/KestrelGreenTransport.Tool")}
dll=${APP_DLL:-$(target "$sample")}

if [ $transport = unix ]; then
  bind=unix:$prefix/app.sock upstream=unix:$prefix/app.sock
  bound() { [ -S "$prefix/app.sock" ]; }
else
  bind=127.0.0.1:$app_port upstream=127.0.0.1:$app_port
  bound() { (exec 3<>"/dev/tcp/127.0.0.1/$app_port") 2>/dev/null; }
fi

# ASP.NET Core looks for appsettings.json in the current folder.
(cd "$sample" && exec dotnet "$green" run --workers 2 --bind "$bind" --name "nginx-proxy-$$" "$dll") &
app=$!

# nginx may start as soon as the supervisor has bound: until the first worker is ready, clients wait in the queue.
until bound; do
  kill -0 "$app" 2>/dev/null || { wait "$app"; exit 1; }
  sleep 0.1
done

sed -e "s|@UPSTREAM@|$upstream|" -e "s|@LISTEN@|127.0.0.1:$nginx_port|" "$sample/nginx.conf" >"$prefix/nginx.conf"
# As root, nginx would pass its work to another user, who may not enter the temporary folder.
[ "$(id -u)" = 0 ] && user='user root;' || user=''
nginx -p "$prefix" -c "$prefix/nginx.conf" -e stderr -g "daemon off; $user" &
nginx=$!

echo "nginx listens on http://127.0.0.1:$nginx_port in front of $bind. Ctrl+C stops both."
# When either exits, stop() ends the other.
wait -n "$app" "$nginx"
