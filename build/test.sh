#!/usr/bin/env bash
# Builds everything with warnings as errors, checks the format, and runs all tests. Exits non-zero if anything fails.
# The last line is: N passed, N failed, N skipped
#
# Installs by apt-get what the tests start (nginx, strace ...) where it is missing and root or a passwordless sudo
# allows it. Needs no network otherwise, apart from restoring packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en

fail() { echo "build/test.sh: $*" >&2; exit 1; }
step() { printf '\n== %s\n' "$*"; }

command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing. See https://dotnet.microsoft.com/download/dotnet/10.0"
dotnet --version >/dev/null || fail "global.json asks for a .NET 10 SDK. See https://dotnet.microsoft.com/download/dotnet/10.0"

# command=package
needed=(nginx=nginx haproxy=haproxy strace=strace python3=python3 curl=curl openssl=openssl redis-server=redis-server setsid=util-linux setpriv=util-linux prlimit=util-linux chromium=chromium man=man-db
  zsh=zsh fish=fish ip=iproute2 cc=gcc jq=jq wrk=wrk
  systemd-analyze=systemd systemd-socket-activate=systemd)

missing() { for pair in "$@"; do command -v "${pair%%=*}" >/dev/null || echo "${pair#*=}"; done | sort -u; }

packages=$(missing "${needed[@]}")
if [ -n "$packages" ]; then
  as_root=''
  [ "$(id -u)" = 0 ] || as_root='sudo -n'
  if command -v apt-get >/dev/null && { [ -z "$as_root" ] || sudo -n true 2>/dev/null; }; then
    step "installing" $packages
    export DEBIAN_FRONTEND=noninteractive
    # One by one: a package that a distribution does not have must not keep the others out. No service is started.
    $as_root apt-get update -qq || true
    for package in $packages; do
      $as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null \
        || echo "could not install $package"
    done
  fi
fi
packages=$(missing "${needed[@]}")
[ -z "$packages" ] || fail "please install:" $packages

step "dotnet build"
dotnet build KestrelGreenTransport.sln --nologo -warnaserror

# Beside the tests, and only when they leave a core idle, as they mostly do: it takes some minutes.
format_log=$(mktemp) log=$(mktemp)
nice -n 19 dotnet format KestrelGreenTransport.sln --verify-no-changes --no-restore > "$format_log" 2>&1 &
format=$!
trap 'rm -f "$log" "$format_log"; kill "$format" 2>/dev/null || true' EXIT

step "dotnet test"
result=0
# One program at a time: the functional tests start many processes and need what cores there are.
dotnet test --solution KestrelGreenTransport.sln --no-build --max-parallel-test-modules 1 2>&1 | tee "$log" || result=1

step "dotnet format"
wait "$format" || result=1
cat "$format_log"

# The summary at the end counts over all test programs.
count() { sed -n '/^Test run summary:/,$p' "$log" | sed 's/\x1b\[[0-9;]*m//g' | sed -n "s/^ *$1: *\([0-9]\+\).*/\1/p" | tail -1; }
passed=$(count succeeded) failed=$(count failed) skipped=$(count skipped)
[ -n "$passed" ] && [ -n "$failed" ] && [ -n "$skipped" ] || fail "the test run ended without a summary"
[ "$failed" = 0 ] || result=1
[ "$passed" != 0 ] || result=1

echo
echo "$passed passed, $failed failed, $skipped skipped"
exit $result
