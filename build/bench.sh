#!/usr/bin/env bash
# Measures this transport against stock Kestrel, nginx, Node, gunicorn and a C loop, on this machine.
#
#   bash build/bench.sh --quick                       a first look: one round of three scenarios
#   bash build/bench.sh                               everything (about half an hour)
#   bash build/bench.sh --scenario json --variant stock,green-epoll-adaptive --rounds 5
#   bash build/bench.sh --list                        lists the scenarios and variants
#
# docs/benchmarks.md says how to read the figures. Installs missing programs with apt-get if this is root or has passwordless
# sudo. The quota and exact CPU times need writable cgroups, which usually means root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh

case " $* " in
  *' --help '* | *' -h '* | *' --list '*) exec "$python" build/bench "$@" ;;
esac

"$python" -c 'import gevent' 2>/dev/null || gevent=python3-gevent
# gcc alone has no headers to compile against. Programs that are only wanted, not needed: without one, its scenarios are left out.
wanted=$(missing h2load=nghttp2-client nginx=nginx gunicorn=gunicorn node=nodejs strace=strace gcc=gcc psql=postgresql /usr/include/stdio.h=libc6-dev)
[ -z "$wanted${gevent-}" ] || install_packages $wanted ${gevent-}
need dotnet=dotnet-sdk-10.0 python3=python3 wrk=wrk

echo "Building ..."
dll=$(dotnet build test/Benchmarks/Server -c Release --nologo -t:Build --getProperty:TargetPath) \
  || { dotnet build test/Benchmarks/Server -c Release --nologo >&2; exit 1; }
floor=artifacts/bench/floor
mkdir -p artifacts/bench
gcc -O2 -Wall -Wextra -o "$floor" test/Benchmarks/Others/floor.c || echo "no C compiler: leaving out the floor"

exec "$python" build/bench --dll="$dll" --floor="$PWD/$floor" "$@"
