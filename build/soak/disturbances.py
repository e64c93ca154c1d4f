"""Something is done to a cluster again and again; no request may be lost for it."""
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

# A first request may be on a connection that the dead one had accepted: then its client hears of it so soon.
_TRACE_SECONDS = 2.0
# By so much later than the client one may see that a process is gone.
_BEFORE_SECONDS = 0.5


def moment(loss):
    """When a request was lost, in seconds of the wall's clock."""
    at = loss.split()[0]
    # .NET writes seven digits of a second, Python knows six.
    return datetime.datetime.fromisoformat(at[:26] + at[-6:]).timestamp()


class Victims:
    """The workers that were killed on purpose, or left to be killed; when; and by what."""

    def __init__(self):
        self.died = []

    def kill(self, pid):
        self.note(pid, "kill", time.time())
        os.kill(pid, signal.SIGKILL)

    def note(self, pid, cause, died):
        self.died.append((pid, cause, died))

    def explain(self, loss):
        """
        The cause, where a loss is a victim's: it was on a connection where the victim had answered before, which a client
        that rests, or waits for a core, may notice late; or, as the first request of a connection, which nobody has answered
        yet, at the moment of a death. None otherwise.
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
    # Not until all serve: where one loss follows another, replacements wait longer. One at least must be left.
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
    # A reload that failed leaves the old ones where they are.
    if {worker["pid"] for worker in before["workers"]} & {worker["pid"] for worker in after["workers"]}:
        raise Failure(f"a reload replaced less than all workers:\n{green.tail()}")


def _recycle(green, _, __):
    time.sleep(1)


def upgrade(green, workers, workers_then):
    before = green.serving(workers)["supervisorPid"]
    os.kill(before, signal.SIGUSR2)
    green.when(lambda status: status["supervisorPid"] != before)
    green.serving(workers_then)
    # It is its workers' parent until the last has drained; the first one is this program's child and stays a zombie.
    deadline = time.monotonic() + 120
    while _is_alive(before):
        if time.monotonic() > deadline:
            raise Failure(f"supervisor {before} has not left within 120 s:\n{green.tail()}")
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
    """True when no request was lost but by workers that were killed on purpose."""
    act, workers, options = SCENARIOS[name]
    workers, victims, rounds = wish.workers or workers, Victims(), 0
    # nginx answers 502 for a worker that was killed, and does not say which: nothing to trace there.
    through_nginx = wish.nginx and name != "kill"
    with ExitStack() as stack:
        green = stack.enter_context(Green(programs, "-w", str(workers), *options))
        green.when(lambda status: sum(worker["state"] == "serving" for worker in status["workers"]) >= workers)
        capture = stack.enter_context(Capture(wish.capture, green.port)) if wish.capture else None
        recycled = _Recycled() if name == "recycle" else None

        loads = []

        def load(name, port, **settings):
            # Longer than the rounds may take: it is stopped when they are done.
            one = Load(programs, name, port, folder, wish.seconds + 600, path="/echo", body=200, **settings)
            stack.callback(one.kill)
            loads.append(one)

        # Without a pause; and with pauses longer and shorter than a drain lingers over an idle connection.
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
                raise Failure("a load has ended early")
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
    """Counts processes that served and are gone, as far as a look each second shows."""

    def __init__(self):
        self.seen = set()
        self.count = 0

    def look(self, status):
        now = {worker["pid"] for worker in status["workers"] if worker["state"] == "serving"}
        self.count += len(now - self.seen) if self.seen else 0
        self.seen |= now


def judge(reports, victims, green, capture=None):
    """Says what was lost, and by what; true when nothing was lost without a reason."""
    causes, untraced = collections.Counter(), []
    for report in reports:
        print(f"{report.name}: {report.line}")
        for loss in report.losses:
            if cause := victims.explain(loss):
                causes[cause] += 1
            else:
                untraced.append(f"{report.name}: {loss}")
        # Only so many losses are kept each.
        if report.lost != len(report.losses):
            untraced.append(f"{report.name}: {report.lost - len(report.losses)} more than are on record")
    begun, lost = sum(report.begun for report in reports), sum(report.lost for report in reports)
    died = collections.Counter(cause for _, cause, _ in victims.died)
    traced = "".join(f"{causes[cause]} on connections of the {died[cause]} workers that died by a {cause}, " for cause in died)
    print(f"{begun} requests, {lost} lost: {traced}{lost - sum(causes.values())} without a reason")
    for loss in untraced[:20]:
        print(loss)
        if capture and (port := re.search(r"client=\S*:(\d+)", loss)):
            print("\n".join(f"    {line}" for line in capture.story(port[1])))
    if capture:
        # A proxy's connections have no client of ours.
        resets = capture.resets()
        print(f"{len(resets)} connections reset by a server")
        for port in resets[:20]:
            print("\n".join([f"  from port {port}:", *(f"    {line}" for line in capture.story(port))]))
    if untraced:
        print(green.tail(100))
    return not untraced and begun >= 1000
