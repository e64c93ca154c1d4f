"""Limits a server to a share of one core and measures its CPU time, with cgroup v1 or v2, or from /proc without cgroups."""

import os
import signal
import time
from pathlib import Path

PERIOD_MICROSECONDS = 100_000  # the kernel's default, which containers get too

# The CPU weight of this many ordinary processes. During a measurement, neighbours on the core should wait rather than be part
# of the figures; the warm-up, which takes longer and has no quota, leaves them more.
_MEASURED, _WARMING = 64, 16


_made = []


def remove_all():
    """For the end: removes what a stop at the wrong moment left behind."""
    for group in list(_made):
        group.remove()


class CpuTime:
    """CPU seconds so far."""

    def __init__(self, total, user, system):
        self.total, self.user, self.system = total, user, system

    def since(self, earlier):
        return CpuTime(self.total - earlier.total, self.user - earlier.user, self.system - earlier.system)


class Group:
    """What the kinds have in common: a folder of ours that processes enter, and that is removed at the end."""

    can_limit = True

    def __init__(self, *folders):
        self.folders = [Path(folder) for folder in folders]
        _made.append(self)
        for folder in self.folders:
            folder.mkdir()

    def measured(self, on):
        self.weigh(_MEASURED if on else _WARMING)

    def enter(self):
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def leave(self):
        """Moves this process to the parent group."""
        for folder in self.folders:
            (folder.parent / "cgroup.procs").write_text(str(os.getpid()))

    def pids(self):
        return [int(pid) for pid in (self.folders[0] / "cgroup.procs").read_text().split()]

    def remove(self):
        """Kills what is left in the group (a child whose parent was killed) and removes it."""
        for folder in filter(Path.exists, self.folders):
            for _ in range(100):
                for pid in (folder / "cgroup.procs").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
                try:
                    folder.rmdir()
                    break
                except OSError:
                    time.sleep(0.02)
        if self in _made:
            _made.remove(self)


class GroupV1(Group):
    def weigh(self, weight):
        (self.folders[0] / "cpu.shares").write_text(str(1024 * weight))

    def limit(self, percent):
        quota = -1 if not percent else PERIOD_MICROSECONDS * percent // 100
        (self.folders[0] / "cpu.cfs_quota_us").write_text(str(quota))

    def cpu_time(self):
        def seconds(name):
            return int((self.folders[-1] / name).read_text()) / 1e9

        return CpuTime(seconds("cpuacct.usage"), seconds("cpuacct.usage_user"), seconds("cpuacct.usage_sys"))


class GroupV2(Group):
    def weigh(self, weight):
        (self.folders[0] / "cpu.weight").write_text(str(100 * weight))

    def limit(self, percent):
        quota = "max" if not percent else str(PERIOD_MICROSECONDS * percent // 100)
        (self.folders[0] / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")

    def cpu_time(self):
        lines = (line.split() for line in (self.folders[0] / "cpu.stat").read_text().splitlines())
        used = {name: int(value) / 1e6 for name, value in lines}
        return CpuTime(used["usage_usec"], used["user_usec"], used["system_usec"])


class NoGroup:
    """Without cgroups: no quota, and CPU time from /proc, which counts in ticks of 10 ms."""

    can_limit = False

    def __init__(self):
        self.root = None

    def enter(self):
        pass

    def leave(self):
        pass

    def measured(self, on):
        pass

    def weigh(self, weight):
        pass

    def limit(self, percent):
        pass

    def pids(self):
        children = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                children.setdefault(int(_fields(stat)[1]), []).append(int(stat.parent.name))
            except OSError:
                pass  # it has ended in the meantime
        found, look_at = [], [self.root]
        while look_at:
            pid = look_at.pop()
            found.append(pid)
            look_at += children.get(pid, [])
        return found

    def cpu_time(self):
        tick = os.sysconf("SC_CLK_TCK")
        user = system = 0
        for pid in self.pids():
            fields = _fields(Path(f"/proc/{pid}/stat"))
            user += int(fields[11]) / tick
            system += int(fields[12]) / tick
        return CpuTime(user + system, user, system)

    def remove(self):
        pass


def _fields(stat):
    # The name, in parentheses, may contain spaces; the state and the other fields follow it.
    return stat.read_text().rsplit(")", 1)[1].split()


def find():
    """Returns a function that makes a group by name, and a sentence that describes it."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]

    def v1_mount(controller):
        return next((m[1] for m in mounts if m[2] == "cgroup" and controller in m[3].split(",")), None)

    cpu, accounting = v1_mount("cpu"), v1_mount("cpuacct")
    unified = next((m[1] for m in mounts if m[2] == "cgroup2"), None)
    attempts = []
    if cpu and accounting:
        folders = dict.fromkeys((cpu, accounting))
        attempts.append((lambda name: GroupV1(*(f"{folder}/{name}" for folder in folders)), "cgroup v1"))
    if unified:
        attempts.append((lambda name: GroupV2(f"{unified}/{name}"), "cgroup v2"))

    for make, version in attempts:
        try:
            if version == "cgroup v2":
                control = Path(unified) / "cgroup.subtree_control"
                if "cpu" not in control.read_text().split():
                    control.write_text("+cpu")
            group = make(f"green-bench-{os.getpid()}-probe")
            try:
                group.limit(50)
                group.cpu_time()
            finally:
                group.remove()
            return make, version
        except OSError:
            continue
    return (lambda name: NoGroup()), "no cgroup that may be written to (try as root): measured WITHOUT a quota"
