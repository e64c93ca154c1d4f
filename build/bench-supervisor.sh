#!/usr/bin/env bash
# Measures how fast the supervisor puts another worker in the place of one that dies or hangs, and what a reload costs.
#
#   bash build/bench-supervisor.sh                    everything (about ten minutes)
#   bash build/bench-supervisor.sh --only standby,cold --rounds 30
#   bash build/bench-supervisor.sh --list             what there is
#
# docs/benchmarks.md has the figures and says how they come about. The machine should have nothing else to do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en PYTHONDONTWRITEBYTECODE=1

case " $* " in
  *' --help '* | *' -h '* | *' --list '*) exec python3 build/bench/supervisor.py "$@" ;;
esac

echo "Building ..."
for project in src/KestrelGreenTransport.Tool test/TestWorker; do
  dotnet build "$project" -c Release --nologo -v q -clp:ErrorsOnly
done
exec python3 build/bench/supervisor.py "$@"
