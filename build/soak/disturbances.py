"""A cluster is disturbed again and again; no request may be lost because of it."""
import collections
import datetime
import os
import random
import re
import signal
import time
from contextlib import ExitStack

from capture import Capture
from cluster import Failure, Green, Load
from nginx import Nginx

# A first request may be on a connection that the dead worker had accepted: then its client learns of it within this time.
_TRACE_SECONDS = 2.0
# A client may notice a death this much earlier than we do.
_BEFORE_SECONDS = 0.5


def moment(loss):
    """When a request was lost, in seconds of the wall clock."""
    at = loss.split()[0]
    # .NET writes seven digits of a second, Python reads six.
    return datetime.datetime.fromisoformat(at[:26] + at[-6:]).timestamp()


class Victims:
    """The workers that were killed on purpose, or left to be killed, with the cause and the time."""

    def __init__(self):
        self.died = []

    def kill(self, pid):
        self.note(pid, "kill", time.time())
        os.kill(pid, signal.SIGKILL)

    def note(self, pid, cause, died):
        self.died.append((pid, cause, died))

    def explain(self, loss):
        """
        The cause, if a victim lost the request: on a connection where the victim had answered before, which a client that
        rests, or waits for a core, may notice late; or as the first request of a connection, not answered by any worker yet,
        around the time of a death. Otherwise None.
        """
        _, outcome, server = loss.split()[:3]
        server = server.removeprefix("server=")
        if outcome not in ("Reset", "Ended"):
            return None
        at = moment(loss)
        causes = [
            cause for pid, cause, died in self.died
            if -_BEFORE_SECONDS < at - died and (server == str(pid) or server == "new" and at - died < _TRACE_SECONDS)]
        return causes[0] if causes else None


def _one_of(green):
    serving = [worker["pid"] for worker in green.status()["workers"] if worker["state"] == "serving"]
    return random.choice(serving) if serving else None


def _scale(green, workers, _):
    for number in (3 * workers, workers):
        if (command := green.command("scale", str(number))).returncode != 0:
            raise Failure(f"green scale {number} ended with {command.returncode}: {command.stdout}")
        green.serving(number)


def _kill(green, workers, victims):
    # Need not wait for all: after several losses in a row, replacements wait longer. At least one must be left.
    green.when(lambda status: sum(worker["state"] == "serving" for worker in status["workers"]) > workers // 2)
    victim = _one_of(green)
    victims.kill(victim)
    green.when(lambda status: all(worker["pid"] != victim for worker in status["workers"]))
    time.sleep(random.uniform(0, 1))


def _terminate(green, workers, _):
    victim = _one_of(green)
    os.kill(victim, signal.SIGTERM)
    green.when(lambda status: all(worker["pid"] != victim for worker in status["workers"]))
    green.serving(workers)


def reload(green, workers, _=None):
    before = green.serving(workers)
    os.kill(before["supervisorPid"], signal.SIGHUP)
    green.when(lambda status: status["generation"] > before["generation"] and status["state"] == "running")
    after = green.serving(workers)
    # A failed reload leaves the old workers in place.
    if {worker["pid"] for worker in before["workers"]} & {worker["pid"] for worker in after["workers"]}:
        raise Failure(f"a reload did not replace every worker:\n{green.tail()}")


def _recycle(green, _, __):
    time.sleep(1)


def upgrade(green, workers, workers_then):
    before = green.serving(workers)["supervisorPid"]
    os.kill(before, signal.SIGUSR2)
    green.when(lambda status: status["supervisorPid"] != before)
    green.serving(workers_then)
    # The old supervisor is the parent of its workers until the last has drained. The first one is our child and stays a zombie.
    deadline = time.monotonic() + 120
    while _is_alive(before):
        if time.monotonic() > deadline:
            raise Failure(f"supervisor {before} did not exit within 120 s:\n{green.tail()}")
        time.sleep(0.1)


def _is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


# name: what is done in a round, workers, options of green run
SCENARIOS = {
    "reload": (reload, 4, []),
    "recycle": (_recycle, 4, ["--max-requests", "1000"]),
    "scale": (_scale, 2, []),
    "upgrade": (lambda green, workers, _: upgrade(green, workers, workers), 2, []),
    "terminate": (_terminate, 4, []),
    "kill": (_kill, 16, []),
}


def disturb(name, programs, folder, wish):
    """True if no requests were lost except by workers that were killed on purpose."""
    act, workers, options = SCENARIOS[name]
    workers, victims, rounds = wish.workers or workers, Victims(), 0
    # nginx answers 502 for a killed worker without saying which, so those losses could not be traced.
    through_nginx = wish.nginx and name != "kill"
    with ExitStack() as stack:
        green = stack.enter_context(Green(programs, "-w", str(workers), *options))
        green.when(lambda status: sum(worker["state"] == "serving" for worker in status["workers"]) >= workers)
        capture = stack.enter_context(Capture(wish.capture, green.port)) if wish.capture else None
        recycled = _Recycled() if name == "recycle" else None

        loads = []

        def load(name, port, **settings):
            # Longer than the rounds may take: the load is stopped when they are done.
            one = Load(programs, name, port, folder, wish.seconds + 600, path="/echo", body=200, **settings)
            stack.callback(one.kill)
            loads.append(one)

        # Without a pause, and with pauses longer and shorter than a drain lingers over an idle connection.
        load("busy", green.port, clients=24)
        load("resting", green.port, clients=12, pause_ms=1500)
        load("pausing", green.port, clients=12, pause_ms=150)
        counted = ["busy"]
        if through_nginx:
            nginx = stack.enter_context(Nginx(green.port, wish.keepalive))
            load("nginx", nginx.port, clients=24)
            load("nginx-pausing", nginx.port, clients=24, pause_ms=700)
            counted.append("nginx")

        start = said = time.monotonic()
        while True:
            act(green, workers, victims)
            rounds += 1
            if recycled:
                recycled.look(green.status())
            elapsed = time.monotonic() - start
            answered = {one.name: one.answered() for one in loads}
            if not all(one.runs() for one in loads):
                raise Failure("a load ended early")
            if time.monotonic() - said > 30:
                said = time.monotonic()
                print(f"after {elapsed:.0f} s: {rounds} rounds, answered {answered}", flush=True)
            wanted = wish.rounds or wish.requests
            if wish.stopped.is_set() or elapsed >= wish.seconds or wanted and rounds >= wish.rounds and all(answered[one] >= wish.requests for one in counted):
                break

        took = time.monotonic() - start
        reports = [one.stop() for one in loads]
        print(f"{name}: {recycled.count if recycled else rounds} {'workers recycled' if recycled else 'rounds'} in {took:.0f} s, {workers} workers")
        if capture:
            capture.end()
        return judge(reports, victims, green, capture)


class _Recycled:
    """Counts processes that were serving and are gone, as far as one look per second shows."""

    def __init__(self):
        self.seen = set()
        self.count = 0

    def look(self, status):
        now = {worker["pid"] for worker in status["workers"] if worker["state"] == "serving"}
        self.count += len(now - self.seen) if self.seen else 0
        self.seen |= now


def judge(reports, victims, green, capture=None):
    """Prints what was lost, and by which cause; true if nothing was lost without a reason."""
    causes, untraced = collections.Counter(), []
    for report in reports:
        print(f"{report.name}: {report.line}")
        for loss in report.losses:
            if cause := victims.explain(loss):
                causes[cause] += 1
            else:
                untraced.append(f"{report.name}: {loss}")
        # Only a limited number of losses is kept for each.
        if report.lost != len(report.losses):
            untraced.append(f"{report.name}: {report.lost - len(report.losses)} without a record")
    begun, lost = sum(report.begun for report in reports), sum(report.lost for report in reports)
    died = collections.Counter(cause for _, cause, _ in victims.died)
    traced = "".join(f"{causes[cause]} on connections of the {died[cause]} workers that died by a {cause}, " for cause in died)
    print(f"{begun} requests, {lost} lost: {traced}{lost - sum(causes.values())} without a reason")
    for loss in untraced[:20]:
        print(loss)
        if capture and (port := re.search(r"client=\S*:(\d+)", loss)):
            print("\n".join(f"    {line}" for line in capture.story(port[1])))
    if capture:
        # Clients of a proxy's connections are not ours.
        resets = capture.resets()
        print(f"{len(resets)} connections reset by a server")
        for port in resets[:20]:
            print("\n".join([f"  from port {port}:", *(f"    {line}" for line in capture.story(port))]))
    if untraced:
        print(green.tail(100))
    return not untraced and begun >= 1000
