#!/usr/bin/env bash
# Measures how fast the supervisor replaces a worker that dies or hangs, what a deploy costs, what the supervisor itself
# costs, and that it ends no healthy worker.
#
#   bash build/bench-supervisor.sh                    everything (about half an hour)
#   bash build/bench-supervisor.sh --only standby,cold --rounds 30
#   bash build/bench-supervisor.sh --only hot,reload --before HEAD~1   another commit too, in turns
#   bash build/bench-supervisor.sh --list             what there is
#   dotnet publish src/KestrelGreenTransport.Tool -r linux-x64 -p:PublishAot=true -o artifacts/native
#   bash build/bench-supervisor.sh --green artifacts/native/green      the tool compiled ahead of time
#
# docs/benchmarks.md has the figures and says how they come about. The machine should have nothing else to do. clock-set
# needs Debian's libfaketime, disk-stalled needs root; neither touches the machine's own clock or disks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh

case " $* " in
  *' --help '* | *' -h '* | *' --list '*) exec "$python" build/bench/supervisor.py "$@" ;;
esac

need wrk=wrk taskset=util-linux
architecture=x64
[ "$(uname -m)" != aarch64 ] || architecture=arm64

# The libraries as in the packages: compiled ahead of time, if the commit does that.
build() {
  local projects=(src/KestrelGreenTransport.Tool test/TestWorker test/LoadGenerator samples/Hello) project library
  local quiet=(-c Release -p:Strict=false --nologo -v q '-clp:ErrorsOnly;NoSummary')
  for project in "${projects[@]}"; do dotnet build "$1/$project" "${quiet[@]}"; done
  [ -e "$1/build/package/ReadyToRun.targets" ] || return 0
  for library in KestrelGreenTransport KestrelGreenTransport.Supervisor; do
    dotnet build "$1/src/$library" "${quiet[@]}" -p:PackReadyToRun=true '-t:Build;CompileReadyToRun'
    for project in "${projects[@]}"; do
      [ ! -e "$1/$project/bin/Release/net10.0/$library.dll" ] || cp "$1/src/$library/obj/Release/net10.0/linux-$architecture/$library.dll" "$1/$project/bin/Release/net10.0/"
    done
  done
}

echo "Building ..."
build .
if [[ " $* " =~ ' --before '([^ ]+) ]]; then
  git worktree remove --force artifacts/before 2>/dev/null || true
  git worktree add --detach artifacts/before "${BASH_REMATCH[1]}"
  build artifacts/before
fi
exec "$python" build/bench/supervisor.py "$@"
