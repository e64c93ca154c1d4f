#!/usr/bin/env bash
# Draws docs/green-run.svg and docs/green-top.svg: what a terminal shows while `green run -w 2` of samples/Hello serves,
# and one worker is killed.
#
#   build/picture.sh                         builds and runs it all; takes half a minute beside the builds
#   CONFIGURATION=Debug build/picture.sh     with the programs of a debug build
#
# Needs python3-pyte, which it installs where it may, and a free port (8080, or the next ones).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en PYTHONDONTWRITEBYTECODE=1
configuration=${CONFIGURATION:-Release}

case " $* " in
  '  ') ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

# Debian's own python3, where there is one: its packages are for that.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
if ! "$python" -c 'import pyte' 2>/dev/null; then
  as_root=''
  [ "$(id -u)" = 0 ] || as_root='sudo -n'
  $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-pyte >/dev/null
fi

for project in src/KestrelGreenTransport.Tool samples/Hello; do
  dotnet build "$project" -c "$configuration" --nologo -v q '-clp:ErrorsOnly;NoSummary'
done
exec "$python" build/picture \
  "src/KestrelGreenTransport.Tool/bin/$configuration/net10.0/green" "samples/Hello/bin/$configuration/net10.0" samples/Hello/appsettings.json docs
