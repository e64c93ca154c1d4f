#!/usr/bin/env bash
# Runs on x64 what can be tested there of the arm64 build, under qemu's user-mode emulation. Not part of the gate.
#
#   bash build/test-arm64.sh                       everything; build/test.sh --arm64 does the same
#   bash build/test-arm64.sh --filter PoolTests    one class of the unit tests
#   bash build/test-arm64.sh --cluster             only the supervisor with two workers
#   bash build/test-arm64.sh --no-build            with what the last run published
#
# Needs root, for its own namespaces, in which the kernel starts arm64 programs with the emulator; outside of them nothing
# changes. Installs qemu-user, an arm64 compiler and arm64 libraries with apt-get if they are missing. On an arm64 machine run
# build/test.sh instead. What is left out, and why, is printed at the end (CONTRIBUTING.md, "arm64", says the same).
# The last line is: N passed, N failed, N skipped
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh

what=(all) build=1
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage ;;
    --filter) [[ ${2-} =~ ^[A-Za-z0-9_]+$ ]] || wrong "--filter needs the name of a class such as PoolTests"; what=(class "$2"); shift 2 ;;
    --cluster) what=(cluster); shift ;;
    --no-build) build=''; shift ;;
    *) wrong "unknown option $1. Try --help" ;;
  esac
done

[ "$(uname -m)" = x86_64 ] || fail "this emulates arm64 on x64; elsewhere run build/test.sh"
[ "$(id -u)" = 0 ] || fail "this needs root, to create namespaces. Try sudo"
command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing. See https://dotnet.microsoft.com/download/dotnet/10.0"

# The libraries that .NET itself needs. Debian has renamed the last one.
ssl=libssl3
! apt-cache show libssl3t64 >/dev/null 2>&1 || ssl=libssl3t64
libraries=(/lib/ld-linux-aarch64.so.1=libc6:arm64 /usr/lib/aarch64-linux-gnu/libstdc++.so.6=libstdc++6:arm64
  /usr/lib/aarch64-linux-gnu/libz.so.1=zlib1g:arm64 /usr/lib/aarch64-linux-gnu/libssl.so.3=$ssl:arm64)
if [ -n "$(missing "${libraries[@]}")" ] && command -v dpkg >/dev/null; then
  dpkg --add-architecture arm64
fi
need qemu-aarch64=qemu-user aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu curl=curl jq=jq unshare=util-linux setpriv=util-linux ip=iproute2 \
  /usr/aarch64-linux-gnu/include/sys/epoll.h=libc6-dev-arm64-cross "${libraries[@]}"

out=$PWD/artifacts/arm64 work=$(mktemp -d) inside=''
trap '[ -z "$inside" ] || kill -KILL "$inside" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

if [ -n "$build" ]; then
  step "publishing for linux-arm64"
  # A project is published with its references for the runtime given here, and each program with its own runtime.
  for project in test/KestrelGreenTransport.Tests test/KestrelGreenTransport.Supervisor.Tests src/KestrelGreenTransport.Tool samples/Hello; do
    dotnet publish "$project" -c Debug -r linux-arm64 --self-contained -o "$out/$(basename "$project")" --artifacts-path "$out/build" \
      --nologo -v q '-clp:ErrorsOnly;NoSummary' -p:ValidateExecutableReferencesMatchSelfContained=false
  done
fi
[ -d "$out/KestrelGreenTransport.Tests" ] || fail "nothing is published yet: leave out --no-build"

# Tests become other users, who need access to their files. Everything started inside ends with its first process, which ends with unshare.
chmod 755 "$work"
mkdir -m 1777 "$work/tmp"
mkfifo "$work/mapped"
TMPDIR=$work/tmp unshare --user --mount --pid --net --ipc --fork --propagation private \
  bash -c 'read -r _ < "$0/mapped" && exec setpriv --pdeathsig KILL bash build/arm64/inside.sh "$@"' "$work" "$out" "$work" "${what[@]}" &
inside=$!
until [ "$(readlink "/proc/$inside/ns/user")" != "$(readlink /proc/self/ns/user)" ]; do
  kill -0 "$inside" 2>/dev/null || fail "namespaces cannot be created here: the kernel or a container's profile refuses them"
  sleep 0.1
done
# User ids are the same inside and outside, so that root stays root and tests may become another user.
echo '0 0 4294967295' > "/proc/$inside/uid_map"
echo '0 0 4294967295' > "/proc/$inside/gid_map"
echo > "$work/mapped"

result=0
wait "$inside" || result=$?
inside=''
exit $result
