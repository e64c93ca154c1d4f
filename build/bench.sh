#!/usr/bin/env bash
# Measures this transport against stock Kestrel, nginx, Node, gunicorn and a C loop, on this machine.
#
#   bash build/bench.sh --quick                       a first look: one round of three scenarios
#   bash build/bench.sh                               everything (about half an hour)
#   bash build/bench.sh --scenario json --variant stock,green-epoll-adaptive --rounds 5
#   bash build/bench.sh --list                        what there is
#
# docs/benchmarks.md says how to read the figures. Installs by apt-get what is missing where root or a passwordless
# sudo allows it. The quota and exact CPU times need cgroups that may be written to: root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en PYTHONDONTWRITEBYTECODE=1

fail() { echo "build/bench.sh: $*" >&2; exit 1; }

# Debian's own python3, where there is one: gunicorn and gevent come as its packages.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

case " $* " in
  *' --help '* | *' -h '* | *' --list '*) exec "$python" build/bench "$@" ;;
esac

# command=package
needed=(dotnet=dotnet-sdk-10.0 python3=python3 wrk=wrk)
wanted=(h2load=nghttp2-client nginx=nginx gunicorn=gunicorn node=nodejs strace=strace gcc=gcc psql=postgresql)
missing() { for pair in "$@"; do command -v "${pair%%=*}" >/dev/null || echo "${pair#*=}"; done; }
packages=$(missing "${needed[@]}" "${wanted[@]}")
"$python" -c 'import gevent' 2>/dev/null || packages="$packages python3-gevent"
# gcc alone has no headers to compile against.
[ -e /usr/include/stdio.h ] || packages="$packages libc6-dev"
if [ -n "${packages// /}" ]; then
  as_root=''
  [ "$(id -u)" = 0 ] || as_root='sudo -n'
  if command -v apt-get >/dev/null && { [ -z "$as_root" ] || sudo -n true 2>/dev/null; }; then
    echo "installing" $packages
    $as_root apt-get update -qq || true
    for package in $packages; do
      # No service is started: the benchmark starts its own.
      $as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null \
        || echo "could not install $package"
    done
  fi
fi
packages=$(missing "${needed[@]}")
[ -z "$packages" ] || fail "please install:" $packages

echo "Building ..."
dll=$(dotnet build test/Benchmarks/Server -c Release --nologo -t:Build --getProperty:TargetPath) \
  || { dotnet build test/Benchmarks/Server -c Release --nologo >&2; exit 1; }
floor=artifacts/bench/floor
mkdir -p artifacts/bench
gcc -O2 -Wall -Wextra -o "$floor" test/Benchmarks/Others/floor.c || echo "without a C compiler: the floor is left out"

exec "$python" build/bench --dll="$dll" --floor="$PWD/$floor" "$@"
