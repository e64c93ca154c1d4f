"""What the supervisor itself costs, next to 16 idle workers."""
import os
import time

from cluster import Green

_WORKERS, _SETTLE, _SECONDS = 16, 10, 30


def cost(programs, _):
    # The app's own settings name a port and a number of workers; options override them.
    _measure("green run", Green(programs, "-w", str(_WORKERS), app=programs.hello, environment={"GREEN_SUPERVISOR": "0"}))
    _measure("TryRunAsync", Green(programs, "-w", str(_WORKERS), own=programs.hello))


def _measure(how, green):
    with green:
        pid = green.serving(_WORKERS)["supervisorPid"]
        time.sleep(_SETTLE)
        before = _ticks(pid)
        time.sleep(_SECONDS)
        percent = 100 * (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / _SECONDS
        anonymous, resident = _megabytes(pid, "RssAnon"), _megabytes(pid, "VmRSS")
        met = "met" if percent <= 0.2 and anonymous <= 20 else "MISSED"
        print(f"{how}, {_WORKERS} idle workers, over {_SECONDS} s: {percent:.2f} % of a core, {anonymous:.1f} MB anonymous, {resident:.1f} MB RSS "
              f"(goal 0.2 % and 20 MB anonymous: {met})", flush=True)


def _ticks(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def _megabytes(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(f"{field}:"))
