"""How long clients wait when a worker dies or hangs."""
import contextlib
import glob
import os
import select
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from asking import ask, get
from cluster import Failure, Green
from rounds import in_turns

_WARM = ["--standby", "1", "--warm-up", "/pid"]


def standby(programs, arguments):
    for name, took in in_turns(programs, arguments, arguments.rounds, lambda build: _replace(build, _WARM, 1, signal.SIGKILL, True)):
        _show(f"{name}kill -9, one standby: first answer after the pidfd fired", took, 10)


def cold(programs, arguments):
    """Compared with the first answer of the same app over Kestrel's own transport, started by itself."""
    for name, figures in in_turns(programs, arguments, arguments.rounds, lambda build: (_stock(build), _replace(build, [], 0, signal.SIGKILL, False))):
        stock, took = zip(*figures)
        _show(f"{name}kill -9, cold replacement: first answer (stock's own: median {statistics.median(stock):.1f} ms)", took, 1.2 * statistics.median(stock))


def _stock(programs):
    """Milliseconds from the start of a process to its first answer."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    start = time.monotonic()
    process = subprocess.Popen(
        ["dotnet", programs.worker, f"--Kestrel:Endpoints:Http:Url=http://127.0.0.1:{port}"], env={**os.environ, "TESTWORKER_BOOT": "plain"},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError):
                get(port)
                return (time.monotonic() - start) * 1000
            time.sleep(0.001)
        raise Failure(f"the app over stock Kestrel exited with {process.returncode}")
    finally:
        process.kill()
        process.wait()


def stopped(programs, arguments):
    _show("SIGSTOP, --timeout 3s, cold replacement: first answer",
          [_replace(programs, ["--timeout", "3s"], 0, signal.SIGSTOP, False) for _ in range(arguments.rounds)], 3600)


def stopped_with_standby(programs, arguments):
    _show("SIGSTOP, --timeout 500ms, one standby: first answer",
          [_replace(programs, ["--timeout", "500ms", *_WARM], 1, signal.SIGSTOP, False) for _ in range(arguments.rounds)], 800)


def starved(programs, arguments):
    """From the request that starves the pool until the verdict's stacks are a whole file."""
    took = []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory(prefix="green-stacks-") as folder:
            with Green(programs, "-w", "1", "--timeout", "3s", "--dump-on-stale", folder) as green:
                victim = _serving(_settled(green, 1))
                start = time.monotonic()
                asking = threading.Thread(target=_ask_in_vain, args=(green.port,), daemon=True)
                asking.start()
                while not (files := glob.glob(f"{folder}/*stacks.txt")) or not os.path.getsize(files[0]):
                    if time.monotonic() - start > 60:
                        raise Failure(f"no stacks within 60 s:\n{green.tail()}")
                    time.sleep(0.005)
                took.append((time.monotonic() - start) * 1000)
                time.sleep(0.1)
                with open(files[0]) as file:
                    stacks = file.read()
                if "Starve" not in stacks or f"{victim}" not in os.path.basename(files[0]) or "starvation" not in green.tail():
                    raise Failure(f"the stacks do not show what starves the thread pool:\n{stacks[:2000]}\n{green.tail()}")
                asking.join(60)
    _show("thread-pool starvation, --timeout 3s: verdict, and stacks on disk", took, 5000)


def _ask_in_vain(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            ask(connection, "/starve")
    except OSError:
        # Its worker is killed, sooner or later.
        pass


def _serving(status):
    return next(worker["pid"] for worker in status["workers"] if worker["state"] == "serving")


def _settled(green, workers, standby=0):
    """Waits until all are where they belong, and a moment more for what they do besides."""
    green.serving(workers, standby)
    time.sleep(0.5)
    return green.serving(workers, standby)


def _replace(programs, options, standby, number, by_pidfd):
    """Milliseconds from a worker's loss to the next answer."""
    # A new supervisor for each loss: after one loss follows another, replacements wait longer each time.
    with Green(programs, "-w", "1", *options) as green:
        victim = _serving(_settled(green, 1, standby))
        watch = os.pidfd_open(victim)
        start = time.monotonic()
        os.kill(victim, number)
        if by_pidfd:
            # The exit itself takes the kernel a while, because it frees the memory first.
            select.select([watch], [], [])
            start = time.monotonic()
        else:
            _until_still(victim)
        answer = get(green.port)
        took = (time.monotonic() - start) * 1000
        os.close(watch)
        if answer.endswith(str(victim)):
            raise Failure("the lost worker itself answered")
        return took


def _until_still(pid):
    """Its threads stop or die one by one: until then one of them may still accept, and take the client with it."""
    states = "R"
    while set(states) - set("TZX"):
        states = ""
        for stat in glob.glob(f"/proc/{pid}/task/*/stat"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(stat) as file:
                states += file.read().rsplit(")", 1)[1].split()[0]


def _show(name, took, goal):
    median = statistics.median(took)
    print(f"{name}: median {median:.1f} ms, best {min(took):.1f}, worst {max(took):.1f} ({len(took)} rounds; goal {goal:.0f} ms: "
          f"{'met' if median <= goal else 'MISSED'})", flush=True)
