#!/usr/bin/env bash
# Draws docs/green-run.svg and docs/green-top.svg: what a terminal shows while `green run -w 2` is serving samples/Hello
# and one worker is killed.
#
#   build/picture.sh                         builds and runs it all; takes half a minute beside the builds
#   CONFIGURATION=Debug build/picture.sh     with the programs of a debug build
#
# Needs python3-pyte, which it installs if it may, and a free port (8080, or one of the next).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh
configuration=${CONFIGURATION:-Release}

case " $* " in
  '  ') ;;
  *' --help '* | *' -h '*) usage ;;
  *) wrong "unknown option $1. Try --help" ;;
esac

"$python" -c 'import pyte' 2>/dev/null || install_packages python3-pyte

for project in src/KestrelGreenTransport.Tool samples/Hello; do
  dotnet build "$project" -c "$configuration" --nologo -v q '-clp:ErrorsOnly;NoSummary'
done
exec "$python" build/picture \
  "src/KestrelGreenTransport.Tool/bin/$configuration/net10.0/green" "samples/Hello/bin/$configuration/net10.0" samples/Hello/appsettings.json docs
