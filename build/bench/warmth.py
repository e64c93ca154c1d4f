"""How hot a worker is when it begins to serve: its requests in its first CPU-seconds, compared with its later rate."""
import glob
import os
import signal
import statistics
import struct
import subprocess
import time

from cluster import Failure, Green
from rounds import in_turns

_PATH = "/args"
_FIRST, _WINDOW, _SERVING = 8, 2, 2
_LINE, _PID, _STATE, _REQUESTS = 128, 8, 12, 40


def hot(programs, arguments):
    """Measures with one processor visible and with two; after a reload with a warm-up, and after kill -9 without a standby."""
    for processors in (1, 2):
        for name, figures in in_turns(programs, arguments, max(1, arguments.rounds // 10), lambda build: _measure(build, processors, arguments)):
            steady, reload, kill = ([figure[index] for figure in figures] for index in range(3))
            for how, served, goal in (("reload with --warm-up", reload, 0.9), ("kill -9, no standby", kill, (0.8, 0.75)[processors - 1])):
                share = statistics.median(count / _FIRST / rate for count, rate in zip(served, steady))
                print(f"{name}{how}, {processors} processor{'s' * (processors - 1)} visible: {statistics.median(served) / 1000:.0f} k requests in the first {_FIRST} CPU-s "
                      f"after the gate opened, {share:.2f} of {_FIRST} x {statistics.median(steady) / 1000:.1f} k/CPU-s "
                      f"({len(served)} rounds; goal {goal}: {'met' if share >= goal else 'MISSED'})", flush=True)


def _measure(programs, processors, arguments):
    """Requests per CPU-second of a hot worker, and the first requests of its replacements."""
    cores = sorted(os.sched_getaffinity(0))
    affinity = ["--cpu-affinity", "1"] if processors == 1 else []
    with Green(programs, "-w", "1", "--warm-up", _PATH, *affinity) as green:
        green.serving(1)
        # On the last processor: a worker that is pinned to one has the first.
        load = subprocess.Popen(["taskset", "-c", str(cores[-1]), "wrk", "-t", "1", "-c", "64", "-d", "600s", f"http://127.0.0.1:{green.port}{_PATH}"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            first = _Worker(green, after=None)
            steady = first.rate_after(arguments.settle_cpu)
            reload = subprocess.Popen([*programs.green, "reload", "--name", "bench"], env=green.environment, stdout=subprocess.DEVNULL)
            second = _Worker(green, after=first)
            served = second.served(_FIRST)
            reload.wait(60)
            os.kill(second.pid, signal.SIGKILL)
            return steady, served, _Worker(green, after=second).served(_FIRST)
        finally:
            load.kill()
            load.wait()


class _Worker:
    """The worker that is serving, once there is one: its answers, from its record on the board, and its CPU time, including the JIT's."""

    def __init__(self, green, after):
        [self._board] = glob.glob(os.path.join(green.home, "green-*", "workers", "board"))
        deadline = time.monotonic() + 120
        while (found := self._find(after)) is None:
            if time.monotonic() > deadline:
                raise Failure(f"no worker was serving within 120 s:\n{green.tail()}")
            time.sleep(0.002)
        self._offset, self.pid = found
        # The board counts the requests of a warm-up too.
        self._since, self._before, self._until = self._cpu(), self._requests(), time.monotonic() + 300

    def served(self, seconds):
        """How many requests it answers in this many CPU-seconds after the gate opened."""
        while self._cpu() - self._since < seconds:
            self._wait()
        return self._requests() - self._before

    def rate_after(self, seconds):
        """Requests per CPU-second, once it has used this many CPU-seconds."""
        self.served(seconds)
        start, cpu = self._requests(), self._cpu()
        while self._cpu() - cpu < _WINDOW:
            self._wait()
        return (self._requests() - start) / (self._cpu() - cpu)

    def _find(self, after):
        with open(self._board, "rb") as board:
            lines = board.read()
        for offset in range(0, len(lines) - _LINE + 1, _LINE):
            pid, state = struct.unpack_from("<ii", lines, offset + _PID)
            if state == _SERVING and (after is None or pid != after.pid) and os.path.exists(f"/proc/{pid}"):
                return offset, pid
        return None

    def _requests(self):
        with open(self._board, "rb") as board:
            return struct.unpack_from("<q", os.pread(board.fileno(), 8, self._offset + _REQUESTS))[0]

    # The kernel's CPU clock of that process (clock_getcpuclockid): all of its threads, including ended ones, in nanoseconds.
    def _cpu(self):
        return time.clock_gettime((~self.pid << 3) | 2)

    def _wait(self):
        if time.monotonic() > self._until:
            raise Failure(f"worker {self.pid} used only {self._cpu() - self._since:.1f} CPU-s within 300 s")
        time.sleep(0.01)
