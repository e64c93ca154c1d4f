"""How a cluster shares its connections, and what it does when there are more clients than slots."""
import selectors
import socket
import statistics
import time
from contextlib import ExitStack

from cluster import Failure, Green, Load


def _verdict(good):
    return "met" if good else "MISSED"


def _held(green):
    return sorted(worker["connections"] for worker in green.status()["workers"])


# --- balance ---

# Until the code is fully compiled: a worker that gets a quarter of the requests is compiled later than one that gets most.
_WARM_TURNS = 5


def balance(programs, folder, wish):
    """How many of the lasting and of the short connections each worker gets, and what sharing costs."""
    with Green(programs, "-w", str(wish.workers or 4)) as green:
        green.serving(wish.workers or 4)
        # Makes each worker compile its accept code first.
        Load(programs, "warm", green.port, folder, 600, 20, path="/echo", body=200, keep_alive="false", requests_of_each=200).wait()
        good = True
        for _ in range(wish.rounds or 1):
            good &= _staying(programs, folder, green, "at once", 0)
            good &= _staying(programs, folder, green, "within 20 s", 20_000)
    return _short(programs, folder, wish.workers or 4, 4 * (wish.rounds or 1)) and good


def _staying(programs, folder, green, how, ramp):
    clients = 400
    green.when(lambda status: sum(worker["connections"] for worker in status["workers"]) == 0)
    load = Load(programs, "staying", green.port, folder, 600, clients, path="/echo", body=200, pause_ms=1000, ramp_ms=ramp)
    try:
        green.when(lambda status: sum(worker["connections"] for worker in status["workers"]) == clients)
        held = _held(green)
    finally:
        report = load.stop()
    good = held[-1] <= 1.15 * held[0] and report.lost == 0
    print(f"400 lasting connections, opened {how}: {held}, largest / smallest {held[-1] / max(1, held[0]):.2f} "
          f"(goal 1.15: {_verdict(good)}); {report.line}", flush=True)
    return good


def _short(programs, folder, workers, turns):
    # In turns (balanced, not, balanced, not ...), since the machine's other work changes over time.
    ratios, p50, p99, good = [], {True: [], False: []}, {True: [], False: []}, True
    with ExitStack() as stack:
        greens = {}
        for balanced in (True, False):
            greens[balanced] = stack.enter_context(Green(
                programs, "-w", str(workers), environment={"GREEN_BALANCED_ACCEPT": str(balanced).lower()}))
            greens[balanced].serving(workers)
        for turn in range(_WARM_TURNS + turns):
            for balanced, green in greens.items():
                report = Load(
                    programs, "short", green.port, folder, 600, 50, path="/echo", body=200, keep_alive="false", requests_of_each=200).wait()
                good &= report.lost == 0
                if turn >= _WARM_TURNS:
                    p50[balanced].append(report.p50)
                    p99[balanced].append(report.p99)
                    shares = sorted(report.servers + [0] * (workers - len(report.servers)))
                    print(f"10,000 short connections, {'balanced' if balanced else 'as the kernel wakes'}: {shares}, "
                          f"p50 {report.p50:.1f} ms, p99 {report.p99:.1f} ms, {report.lost} lost", flush=True)
                    if balanced:
                        ratios.append(shares[-1] / max(1, shares[0]))
    even = statistics.median(ratios) <= 1.5
    balanced, kernel = statistics.median(p99[True]), statistics.median(p99[False])
    # A difference of up to a tenth counts as none.
    fast = balanced <= 1.1 * kernel
    print(f"largest / smallest, median of {len(ratios)}: {statistics.median(ratios):.2f}, worst {max(ratios):.2f} (goal 1.5: {_verdict(even)}); "
          f"p50, medians: {statistics.median(p50[True]):.1f} ms balanced, {statistics.median(p50[False]):.1f} ms not; "
          f"p99, medians: {balanced:.1f} ms balanced, {kernel:.1f} ms not (goal: not above: {_verdict(fast)})")
    return good and even and fast


# --- overload ---

def overload(programs, folder, wish):
    """Far more clients than slots: each is answered eventually."""
    slots, clients, workers, good = 200, 5000, wish.workers or 4, True
    with Green(programs, "-w", str(workers), "--worker-connections", str(slots), "--backlog", "4096") as green:
        green.serving(workers)
        for name, settings in (("kept open", {}), ("closed after each answer", {"keep_alive": "false"})):
            load = Load(programs, "many", green.port, folder, wish.seconds // 2, clients, path="/echo", body=200, ramp_ms=2000, pause_ms=2000, **settings)
            most = 0
            while load.runs():
                most = max(most, green.status()["listeners"][0]["queued"])
                time.sleep(0.5)
            report = load.stop()
            good &= report.lost == 0 and report.answered > clients
            print(f"{clients} clients on {workers} x {slots} slots for {wish.seconds // 2} s, connections {name}: {report.line}; "
                  f"at most {most} seen in the queue (goal 0 lost: {_verdict(report.lost == 0)})", flush=True)
            for loss in report.losses[:10]:
                print(f"  {loss}")
    return good


def relief(programs, folder, wish):
    """Thousands of clients disconnect at once, and leave a queue of dead connections: how soon is an answer fast again?"""
    slots, clients, workers, recovered = 200, 5000, wish.workers or 4, []
    for _ in range(wish.rounds or 5):
        with Green(programs, "-w", str(workers), "--worker-connections", str(slots)) as green:
            green.serving(workers)
            Load(programs, "warm", green.port, folder, 10, 20, path="/echo", body=200, keep_alive="false").wait()
            normal = sorted(_probe(green.port) for _ in range(100))[98]
            load = Load(programs, "many", green.port, folder, 600, clients, path="/slow?ms=20", keep_alive="false")
            green.when(lambda status: status["listeners"][0]["queued"] > 1000)
            time.sleep(5)
            load.kill()
            end, limit, probes = time.monotonic(), max(0.05, 3 * normal), []
            while (begun := time.monotonic() - end) < 4:
                probes.append((begun, _probe(green.port)))
                time.sleep(0.02)
            recovered.append(max((begun + took for begun, took in probes if took > limit), default=0.0))
            print(f"{clients} clients disconnect at once: answers take at most {limit * 1000:.0f} ms again after {recovered[-1]:.2f} s "
                  f"(p99 before them {normal * 1000:.1f} ms)", flush=True)
    median = statistics.median(recovered)
    print(f"median of {len(recovered)}: {median:.2f} s, worst {max(recovered):.2f} s (goal 1 s: {_verdict(median <= 1)})")
    return median <= 1


def _probe(port):
    """Seconds from the connect to the end of an answer."""
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"GET /pid HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise Failure(f"a probe was answered with {answer[:80]}")
    return time.monotonic() - start


# --- idle connections ---

def idle(programs, folder, wish):
    """Silent connections hold all slots: new clients are still served."""
    workers, slots, newcomers, worst = wish.workers or 4, 200, 100, 0.0
    with Green(programs, "-w", str(workers), "--worker-connections", str(slots)) as green:
        green.serving(workers)
        for _ in range(wish.rounds or 5):
            green.when(lambda status: sum(worker["connections"] for worker in status["workers"]) == 0)
            held = []
            try:
                while len(held) < 2 * workers * slots:
                    held.append(socket.create_connection(("127.0.0.1", green.port), timeout=60))
                    held[-1].sendall(b"GET /pid HTTP/1.1\r\nHost: soak\r\n\r\n")
                    if not held[-1].recv(4096).startswith(b"HTTP/1.1 200 "):
                        raise Failure("an idle connection was not answered")
                    # To accept the last ones, workers may have closed others.
                    if len(held) >= workers * slots and sum(_held(green)) == workers * slots:
                        break
                else:
                    raise Failure(f"{len(held)} connections do not fill {workers * slots} slots: {_held(green)}")
                # A connection counts as idle after half a second.
                time.sleep(1)
                took = _all_answered(green.port, newcomers)
            finally:
                for connection in held:
                    connection.close()
            worst = max(worst, took)
            print(f"{workers * slots} idle connections hold every slot, {newcomers} new clients: all answered within {took * 1000:.0f} ms", flush=True)
    print(f"worst {worst * 1000:.0f} ms (goal 1000 ms: {_verdict(worst <= 1)})")
    return worst <= 1


def _all_answered(port, clients):
    waiting = selectors.DefaultSelector()
    start = time.monotonic()
    for _ in range(clients):
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        connection.sendall(b"GET /pid HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n")
        waiting.register(connection, selectors.EVENT_READ)
    left = clients
    while left:
        ready = waiting.select(60)
        if not ready:
            raise Failure(f"{left} of {clients} new clients were not answered within a minute")
        for key, _ in ready:
            if not key.fileobj.recv(4096).startswith(b"HTTP/1.1 200 "):
                raise Failure("a new client was not answered")
            waiting.unregister(key.fileobj)
            key.fileobj.close()
            left -= 1
    return time.monotonic() - start


SCENARIOS = {"balance": balance, "overload": overload, "relief": relief, "idle": idle}
