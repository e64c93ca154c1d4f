#!/usr/bin/env bash
# Measures how fast the supervisor puts another worker in the place of one that dies or hangs, what a deploy costs, what
# the supervisor itself costs, and that it ends no healthy worker.
#
#   bash build/bench-supervisor.sh                    everything (about half an hour)
#   bash build/bench-supervisor.sh --only standby,cold --rounds 30
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

echo "Building ..."
for project in src/KestrelGreenTransport.Tool test/TestWorker test/LoadGenerator samples/Hello; do
  dotnet build "$project" -c Release --nologo -v q '-clp:ErrorsOnly;NoSummary'
done
exec "$python" build/bench/supervisor.py "$@"
