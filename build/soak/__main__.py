"""Puts load on a cluster while it is disturbed, and reports the outcome of every request: see build/soak.sh."""
import argparse
import resource
import signal
import sys
import threading
import tempfile
import time
from dataclasses import dataclass, field

from capacity import SCENARIOS as CAPACITY
from cluster import Failure, Programs
from disturbances import SCENARIOS as DISTURBANCES
from disturbances import disturb
from everything import SCENARIOS as EVERYTHING
from hosts import SCENARIOS as HOSTS
from sample import SCENARIOS as SAMPLE


@dataclass(frozen=True)
class Wish:
    """How long the soak runs: until this many rounds are done and requests answered, or for this long."""

    seconds: int
    rounds: int
    requests: int
    workers: int | None
    nginx: bool
    keepalive: str
    capture: str | None
    seed: int | None
    out: str
    # Ctrl+C and TERM end it after the current round, with a report.
    stopped: threading.Event = field(default_factory=threading.Event)


def main():
    scenarios = {**DISTURBANCES, **CAPACITY, **EVERYTHING, **HOSTS, **SAMPLE}
    parser = argparse.ArgumentParser(prog="soak.sh", description=__doc__)
    parser.add_argument("scenario", choices=scenarios, nargs="?", default="everything", metavar="SCENARIO", help=", ".join(scenarios))
    parser.add_argument("seconds", type=int, nargs="?", help="how long (default: 60; at most an hour if rounds or requests are given)")
    parser.add_argument("workers", type=int, nargs="?", help="how many workers (default: 4)")
    parser.add_argument("--rounds", type=int, default=0, help="continue until this many rounds are done")
    parser.add_argument("--requests", type=int, default=0, help="continue until this many requests are answered, both directly and through nginx")
    parser.add_argument("--no-nginx", action="store_true", help="only direct load")
    parser.add_argument("--nginx-keepalive", default="500ms", help="how long nginx keeps an idle connection to a worker (default: 500ms, as the sample's)")
    parser.add_argument("--hours", type=float, default=0, help="how long, in hours")
    parser.add_argument("--seed", type=int, help="the seed of everything's random order (default: a different one each time)")
    parser.add_argument("--out", default="artifacts/soak", help="the folder for the report of everything (default: artifacts/soak)")
    parser.add_argument("--capture", metavar="FILE", help="record the workers' traffic with tcpdump, and show the end of each connection that lost a request")
    arguments = parser.parse_args()
    counts = arguments.rounds or arguments.requests
    seconds = int(arguments.hours * 3600) or arguments.seconds or (3600 if counts else 60)
    wish = Wish(
        seconds, arguments.rounds, arguments.requests, arguments.workers, not arguments.no_nginx, arguments.nginx_keepalive, arguments.capture,
        arguments.seed, arguments.out)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: (print(f"stopped by signal {number}", flush=True), wish.stopped.set()))

    # Thousands of clients, each with a descriptor.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    programs = Programs()
    start = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="green-soak-") as folder:
            if arguments.scenario in DISTURBANCES:
                good = disturb(arguments.scenario, programs, folder, wish)
            else:
                good = {**CAPACITY, **EVERYTHING, **HOSTS, **SAMPLE}[arguments.scenario](programs, folder, wish)
    except Failure as failure:
        print(f"soak: {failure}")
        good = False
    finally:
        programs.remove()
    print(f"{arguments.scenario}: {'ok' if good else 'FAILED'}, after {time.monotonic() - start:.0f} s")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
