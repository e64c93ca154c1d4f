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
source build/common.sh

case " $* " in
  *' --help '* | *' -h '* | *' --list '*) exec "$python" build/bench "$@" ;;
esac

"$python" -c 'import gevent' 2>/dev/null || gevent=python3-gevent
# gcc alone has no headers to compile against. What is only wanted leaves out its scenarios.
wanted=$(missing h2load=nghttp2-client nginx=nginx gunicorn=gunicorn node=nodejs strace=strace gcc=gcc psql=postgresql /usr/include/stdio.h=libc6-dev)
[ -z "$wanted${gevent-}" ] || install_packages $wanted ${gevent-}
need dotnet=dotnet-sdk-10.0 python3=python3 wrk=wrk

echo "Building ..."
dll=$(dotnet build test/Benchmarks/Server -c Release --nologo -t:Build --getProperty:TargetPath) \
  || { dotnet build test/Benchmarks/Server -c Release --nologo >&2; exit 1; }
floor=artifacts/bench/floor
mkdir -p artifacts/bench
gcc -O2 -Wall -Wextra -o "$floor" test/Benchmarks/Others/floor.c || echo "without a C compiler: the floor is left out"

exec "$python" build/bench --dll="$dll" --floor="$PWD/$floor" "$@"
