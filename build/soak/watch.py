"""Measures every process of a cluster again and again: resident memory and descriptors."""
import csv
import os
import threading
import time
from collections import defaultdict
from dataclasses import dataclass

from growth import Series


@dataclass(frozen=True)
class Look:
    """One process at one moment."""

    # Seconds since the watch began.
    at: float
    role: str
    pid: int
    # MB, resident.
    memory: float
    descriptors: int
    # How many of the descriptors are clients' connections; the two are counted a moment apart.
    connections: int


class Watch:
    """A thread that looks every `pause` seconds until it is stopped, and records how many requests were answered by then."""

    def __init__(self, green, loads, pause):
        self.looks, self.answered = [], []
        self._green, self._loads, self._pause = green, loads, pause
        # By the wall clock, as in the losses.
        self.began = time.time()
        self._start, self._stopped = time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def now(self):
        return time.monotonic() - self._start

    def stop(self):
        self._stopped.set()
        self._thread.join()

    def pids(self, role):
        return {look.pid for look in self.looks if look.role == role}

    def series(self, pid, what, since=0.0):
        """A figure of one process over time. Descriptors of clients' connections do not count: their number depends on the load."""
        figure = {"memory": lambda look: look.memory, "descriptors": lambda look: look.descriptors - look.connections}[what]
        return Series([(look.at, figure(look)) for look in self.looks if look.pid == pid and look.at >= since])

    def write(self, path):
        with open(path, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["seconds", "role", "pid", "memory_mb", "descriptors", "connections"])
            rows.writerows([f"{look.at:.1f}", look.role, look.pid, f"{look.memory:.2f}", look.descriptors, look.connections] for look in self.looks)

    def by_process(self):
        found = defaultdict(list)
        for look in self.looks:
            found[look.role, look.pid].append(look)
        return found

    def _run(self):
        while not self._stopped.wait(self._pause):
            self.answered.append((self.now(), sum(load.answered() for load in self._loads)))
            try:
                status = self._green.status()
            except OSError:
                # Stopped on purpose, or exiting after an upgrade: the next look finds its successor.
                continue
            self._look("supervisor", status["supervisorPid"], 0)
            for worker in status["workers"]:
                if worker["state"] == "serving":
                    self._look("worker", worker["pid"], worker["connections"])

    def _look(self, role, pid, connections):
        try:
            with open(f"/proc/{pid}/status") as status:
                memory = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))
            self.looks.append(Look(self.now(), role, pid, memory, len(os.listdir(f"/proc/{pid}/fd")), connections))
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            # It has ended since the status was written, or is about to: a zombie has no memory.
            pass
