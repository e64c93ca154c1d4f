"""Everything that can happen to a cluster, in random order, for hours: what happens to every request, and whether anything grows."""
import collections
import os
import random
import signal
import socket
import time
from contextlib import ExitStack

import disturbances
from cluster import Failure, Green, Load
from disturbances import Victims, judge
from watch import Watch

_WORKERS = 4
# A stopped worker is detected after this time.
_TIMEOUT_SECONDS = 15
# Growth of memory (MB) and descriptors in the second half that is tolerated for a process: this much, or this share.
_ALLOWED = {"memory": 4.0, "descriptors": 4}
_ALLOWED_SHARE = 0.1


class _Cluster:
    """What is done to the cluster. In the second half one worker, the witness, is spared, to show whether workers grow."""

    def __init__(self, green):
        self.green, self.victims, self.workers, self.witness = green, Victims(), _WORKERS, None

    def spare_one(self):
        """Spares the oldest: scaling down removes the youngest."""
        self.witness = max(self._serving(), key=lambda worker: worker["uptimeSeconds"])["pid"]

    def settle(self):
        self.green.serving(self.workers)

    def reload(self):
        disturbances.reload(self.green, self.workers)

    def upgrade(self):
        # The successor starts as many workers as its settings say.
        before, self.workers = self.workers, _WORKERS
        disturbances.upgrade(self.green, before, self.workers)

    def kill(self):
        victim = self._one()["pid"]
        self.victims.kill(victim)
        self._gone(victim)

    def terminate(self):
        victim = self._one()["pid"]
        os.kill(victim, signal.SIGTERM)
        self._gone(victim)

    def stop(self):
        """Stops a worker for good: the supervisor detects and replaces it."""
        victim = self._one()["pid"]
        os.kill(victim, signal.SIGSTOP)
        self._gone(victim)
        self.victims.note(victim, "stop", time.time())

    def pause(self):
        """Stops a worker, or the supervisor, and continues it before it counts as hung."""
        chosen = random.choice([self._one()["pid"], self.green.status()["supervisorPid"]])
        os.kill(chosen, signal.SIGSTOP)
        try:
            time.sleep(random.uniform(0.1, 0.2 * _TIMEOUT_SECONDS))
        finally:
            os.kill(chosen, signal.SIGCONT)

    def scale(self):
        self.workers = random.choice([workers for workers in range(2, 7) if workers != self.workers])
        self._command("scale", str(self.workers))

    def recycle(self):
        self._command("restart", str(self._one()["index"]))

    def _command(self, *words):
        if (command := self.green.command(*words)).returncode != 0:
            raise Failure(f"green {' '.join(words)} ended with {command.returncode}: {command.stdout}")

    def _serving(self):
        return [worker for worker in self.green.status()["workers"] if worker["state"] == "serving"]

    def _one(self):
        return random.choice([worker for worker in self._serving() if worker["pid"] != self.witness])

    def _gone(self, pid):
        self.green.when(lambda status: all(worker["pid"] != pid for worker in status["workers"]))


_ANY_TIME = ["kill", "terminate", "stop", "pause", "scale", "recycle"]
# These replace the supervisor, or every worker, so that no process would grow old.
_FIRST_HALF = ["reload", "upgrade"]


def everything(programs, folder, wish):
    seed = random.randrange(1_000_000) if wish.seed is None else wish.seed
    random.seed(seed)
    print(f"seed {seed}, for {wish.seconds} s", flush=True)
    with ExitStack() as stack:
        http2 = _free_port()
        green = stack.enter_context(Green(
            programs, "-w", str(_WORKERS), "-b", f"127.0.0.1:{http2}", "--timeout", f"{_TIMEOUT_SECONDS}s", environment={"TESTWORKER_HTTP2": str(http2)}))
        cluster = _Cluster(green)
        cluster.settle()
        loads = _loads(stack, programs, folder, green.port, http2, wish.seconds + 600)
        watch = Watch(green, loads, pause=max(1.0, wish.seconds / 3600))
        stack.callback(watch.stop)
        done = []
        try:
            _disturb(cluster, watch, loads, wish, done)
            good = True
        except Failure as failure:
            # What was recorded until then is still worth a report.
            print(f"soak: {failure}")
            good = False
        watch.stop()
        reports = [load.stop() for load in loads]
        print(f"done: {', '.join(f'{count} x {act}' for act, count in collections.Counter(act for act, _ in done).most_common())}")
        good = judge(reports, cluster.victims, green) and good
        good = _judge_growth(watch, cluster.witness, wish.seconds / 2) and good
        _write(watch, done, reports, cluster, wish)
        return good


def _disturb(cluster, watch, loads, wish, done):
    said = 0.0
    while watch.now() < wish.seconds and not wish.stopped.is_set():
        if cluster.witness is None and watch.now() >= wish.seconds / 2:
            cluster.spare_one()
        act = random.choice(_ANY_TIME + (_FIRST_HALF if cluster.witness is None else []))
        done.append((act, watch.now()))
        getattr(cluster, act)()
        cluster.settle()
        if not all(load.runs() for load in loads):
            raise Failure("a load ended early")
        if watch.now() - said > 60:
            said = watch.now()
            print(f"after {said:.0f} s: {len(done)} disturbances, answered {({load.name: load.answered() for load in loads})}", flush=True)
        time.sleep(random.uniform(0, 2))


def _loads(stack, programs, folder, port, http2, seconds):
    def load(name, port, **settings):
        one = Load(programs, name, port, folder, seconds, **settings)
        stack.callback(one.kill)
        return one

    return [
        load("posts", port, clients=16, path="/echo", body=200, pause_ms=15),
        load("resting posts", port, clients=12, path="/echo", body=200, pause_ms=1500),
        load("gets", port, clients=8, path="/pid", pause_ms=15),
        load("new connections", port, clients=4, path="/echo", body=200, pause_ms=30, keep_alive="false"),
        load("slow readers", port, clients=4, path="/echo", body=300_000, read_pause_ms=20),
        load("http2", http2, clients=4, streams=4, path="/echo", body=200, pause_ms=30),
    ]


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _judge_growth(watch, witness, since):
    """Judges the two processes that existed during the whole second half: the first half is their warm-up."""
    good = True
    supervisors = {look.pid for look in watch.looks if look.role == "supervisor" and look.at >= since}
    if len(supervisors) != 1 or witness is None or not any(look.pid == witness and look.at >= watch.now() - 60 for look in watch.looks):
        print(f"growth cannot be judged: no process lived through the second half (supervisors {supervisors}, witness {witness})")
        return False
    for role, pid in (("supervisor", supervisors.pop()), ("worker", witness)):
        for what, unit in (("memory", "MB"), ("descriptors", "")):
            series = watch.series(pid, what, since)
            grows = series.grows(_ALLOWED_SHARE, _ALLOWED[what])
            good &= not grows
            print(f"{role} {pid}, {what} over the last {series.span:.0f} s: {series.middle:.1f} {unit} in the middle, grew by {series.growth():+.2f} "
                  f"(allowed {max(_ALLOWED_SHARE * series.middle, _ALLOWED[what]):.1f}): {'GROWS' if grows else 'steady'}")
    return good


def _write(watch, done, reports, cluster, wish):
    os.makedirs(wish.out, exist_ok=True)
    watch.write(os.path.join(wish.out, "processes.csv"))
    losses = [(loss, cluster.victims.explain(loss)) for report in reports for loss in report.losses]
    try:
        import plots
    except ImportError as missing:
        print(f"no plots: {missing} (apt-get install python3-matplotlib)")
        return
    path = os.path.join(wish.out, "everything.svg")
    plots.draw(path, watch, done, losses, cluster.witness, wish.seconds / 2)
    print(f"report: {path}, processes.csv")


SCENARIOS = {"everything": everything}
