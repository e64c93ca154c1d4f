"""How long the supervisor takes to replace a worker, what a deploy costs, what the supervisor costs: see build/bench-supervisor.sh."""
import argparse
import signal
import sys

import costs
import deploying
import falsekills
import replacing
import warmth
from cluster import Failure, Programs

PARTS = {
    "hot": warmth.hot,
    "standby": replacing.standby,
    "cold": replacing.cold,
    "stopped": replacing.stopped,
    "stopped-standby": replacing.stopped_with_standby,
    "starved": replacing.starved,
    "broken": deploying.broken,
    "reload": deploying.reload,
    "cost": costs.cost,
    "clock-set": falsekills.clock_set,
    "supervisor-stopped": falsekills.supervisor_stopped,
    "disk-stalled": falsekills.disk_stalled,
    "cores-busy": falsekills.cores_busy,
}


def main():
    parser = argparse.ArgumentParser(prog="bench-supervisor.sh", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="some of: " + ", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=30, help="how often each is measured (default: 30; deploys a tenth of that)")
    parser.add_argument("--busy-seconds", type=int, default=600, help="how long cores-busy keeps every core busy (default: 600)")
    parser.add_argument("--settle-cpu", type=int, default=30, metavar="SECONDS", help="CPU time under load after which the part hot considers a worker hot (default: 30)")
    parser.add_argument("--before", metavar="COMMIT", help="measure hot, cold, standby and reload with this commit too, in turns")
    parser.add_argument("--green", metavar="PROGRAM", help="a green to measure instead of the one built here, such as one compiled ahead of time")
    parser.add_argument("--list", action="store_true", help="list the parts")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(PARTS))
        return
    names = arguments.only.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"no part is called '{unknown[0]}': choose from {', '.join(PARTS)}")
    # What was started is ended on TERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    programs = Programs(arguments.green)
    # The script has created a work tree of the commit.
    if arguments.before:
        arguments.before = Programs(root="artifacts/before")
        arguments.before.load = programs.load
    try:
        for name in names:
            PARTS[name](programs, arguments)
    except Failure as failure:
        sys.exit(f"bench-supervisor.sh: {failure}")
    finally:
        programs.remove()
        if arguments.before:
            arguments.before.remove()


if __name__ == "__main__":
    main()
