#!/usr/bin/env bash
# Puts load on a cluster while it is disturbed again and again, and reports the outcome of every request.
#
#   build/soak.sh SCENARIO [SECONDS] [WORKERS] [--rounds N] [--requests N] [--no-nginx] [--capture FILE]
#   build/soak.sh [everything] --hours N [--seed N] [--out FOLDER]
#
#   everything reloads, upgrades, kills, stops, pauses, scaling and recycling in random order, under posts, gets, slow
#              readers, new connections and HTTP/2; reports whether memory or descriptors grow, and plots them
#
#   reload     HUP to the supervisor: a new generation, one worker at a time
#   recycle    no disturbance, but each worker exits after 1000 requests
#   scale      from 2 workers, or the given number, to three times as many and back again
#   upgrade    USR2 to the supervisor: a new one takes over the sockets
#   terminate  TERM to a random worker: it drains, and is replaced
#   kill       kill -9 of a random worker; only its own connections may lose requests
#
# Clients post a body on connections kept open and compare the answer: 24 without a pause, 24 that rest between two
# requests, longer and shorter than a drain lingers; and 48 more through nginx, which sends each request only once.
#
#   balance    how many of 400 lasting and of 10,000 short connections each worker gets
#   overload   5,000 clients on 4 x 200 slots, for SECONDS
#   relief     5,000 clients disconnect at once: how soon an answer is fast again
#   hosts      two hosts behind one nginx, in network namespaces (as root): deployed one after another, and one lost
#   sample     kill -9 of 14 workers behind the nginx of samples/NginxProxy, under GETs: nginx tries another worker
#   idle       100 new clients while idle connections hold every slot
#
# Exits with 0 if no request was lost without a reason. CONFIGURATION=Debug uses the programs of a debug build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh
export PYTHONPATH=build/bench CONFIGURATION=${CONFIGURATION:-Release}

case " $* " in
  '  ') wrong "name a scenario. Try --help" ;;
  *' --help '* | *' -h '*) usage ;;
esac

case " $* " in
  *' everything '* | *' --hours '*) "$python" -c 'import matplotlib' 2>/dev/null || install_packages python3-matplotlib ;;
  *' --capture '*) command -v tcpdump >/dev/null || install_packages tcpdump ;;
esac

for project in src/KestrelGreenTransport.Tool test/TestWorker test/LoadGenerator samples/Hello; do
  dotnet build "$project" -c "$CONFIGURATION" --nologo -v q '-clp:ErrorsOnly;NoSummary'
done
exec "$python" build/soak "$@"
