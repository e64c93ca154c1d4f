"""One scenario: every variant warmed up without quota, then measured in turns, round by round."""

import contextlib
import dataclasses
import os
import sys
import time

import syscalls
from load import IdleConnections, run_load
from processes import start, stop
from servers import Server

_WARM_UP_AT_MOST = 15
# Warm means: hardly any new methods in this many runs in a row, and for this much CPU time: where neighbours take the core, the
# compiler waits too.
_FEW = 5
_QUIET_RUNS = 2
_QUIET_CPU = 1.0


def measure(scenario, variants, machine, rounds, seconds, say, trace=True):
    """Returns {variant: {"rounds": [figures], "syscalls": {...}}}."""
    results = {}

    def note(server, number, figures):
        results.setdefault(server.variant.name, {"rounds": [], "syscalls": {}})["rounds"].append(figures)
        say(f"  round {number + 1} {server.variant.name:<22} {_brief(figures)}")

    seconds = max(seconds, scenario.least_seconds)
    if scenario.fresh:
        for number in range(rounds):
            for variant in _turn(variants, number):
                with Server(variant, scenario, machine) as server:
                    _warm_up(server, machine, say)
                    note(server, number, _loaded(server, machine, seconds))
        return results

    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Server(variant, scenario, machine)) for variant in variants]
        for server in servers:
            _warm_up(server, machine, say)
        for number in range(1 if scenario.tool == "idle" else rounds):
            for server in _turn(servers, number):
                note(server, number, _idle(server) if scenario.tool == "idle" else _loaded(server, machine, seconds))
        if trace and scenario.calls:
            for server in servers:
                server.measured(True)
                calls = syscalls.per_request(server, machine)
                results[server.variant.name]["syscalls"] = calls
                say(f"  calls   {server.variant.name:<22} {sum(calls.values()):.2f} a request")
    return results


def _turn(everyone, number):
    """A B C, B C A, ...: no variant always comes after the same one."""
    shift = number % max(1, len(everyone))
    return everyone[shift:] + everyone[:shift]


def _warm_up(server, machine, say):
    """Loads the server without quota until hardly any more methods are compiled."""
    server.measured(False)
    scenario = server.scenario
    if scenario.tool == "idle":
        IdleConnections(server.port, 200, scenario.path).close()
        return
    if scenario.fresh:
        # Sleeping handlers would leave a queue behind, and a pool with more threads than at first.
        scenario = dataclasses.replace(scenario, path="/plaintext", connections=64)
    if not server.variant.is_dotnet:
        run_load(scenario, server.port, 1, machine.load_core)
        return
    start = time.monotonic()
    # Several short runs instead of a long one: the code that opens and closes connections must be compiled too.
    methods, quiet_runs, quiet_since = 0, 0, 0.0
    while True:
        run_load(scenario, server.port, 1, machine.load_core)
        count, cpu, now = server.figures()["methods"], server.group.cpu_time().total, time.monotonic()
        if count - methods > _FEW:
            quiet_runs, quiet_since = 0, cpu
        else:
            quiet_runs += 1
        methods = count
        # A server that waits most of the time leaves the core free for compiling.
        idle = cpu < (now - start) / 4
        if quiet_runs >= _QUIET_RUNS and (idle or cpu - quiet_since >= _QUIET_CPU):
            return
        if now - start >= _WARM_UP_AT_MOST:
            say(f"  {server.variant.name}: methods were still being compiled after {now - start:.0f} s of warm-up")
            return


def _loaded(server, machine, seconds):
    server.measured(True)
    with _neighbours(server.scenario.neighbours, machine):
        before, cpu_before = server.figures(), server.group.cpu_time()
        load = run_load(server.scenario, server.port, seconds, machine.load_core)
        cpu, after = server.group.cpu_time().since(cpu_before), server.figures()
    server.measured(False)
    requests = max(1, load.requests)
    figures = {
        "per_cpu": load.requests / cpu.total if cpu.total > 0 else 0,
        "throughput": load.requests / load.seconds,
        "user": cpu.user * 1e6 / requests,
        "system": cpu.system * 1e6 / requests,
        "cpu_share": cpu.total / load.seconds,
        "rss": server.rss(),
        "errors": load.errors,
        "timeouts": load.timeouts,
    }
    # Zero means that wrk cannot tell: nothing was answered in time, or pipelining confused its clock.
    figures.update({name: took for name, took in (("p50", load.p50), ("p99", load.p99)) if took > 0})
    if before:
        figures["allocated"] = (after["allocatedBytes"] - before["allocatedBytes"]) / requests
        figures["compiled"] = after["methods"] - before["methods"]
        figures["threads"] = after["threads"]
        figures["takeovers"] = (after["takeovers"] - before["takeovers"]) / load.seconds
    return figures


@contextlib.contextmanager
def _neighbours(count, machine):
    """Other processes that always want the server's core, each with the same CPU weight as the server."""
    if count == 0:
        yield
        return
    group = machine.make_group(f"green-bench-{os.getpid()}-neighbours")
    busy = []
    try:
        group.weigh(count)
        busy += [start([sys.executable, "-c", "while True: pass"], machine.server_core, group) for _ in range(count)]
        yield
    finally:
        for process in busy:
            stop(process)
        group.remove()


def _idle(server):
    server.figures("collect")
    before = server.rss()
    connections = IdleConnections(server.port, server.scenario.connections, server.scenario.path)
    try:
        # Blocks and garbage of the requests go first: only what a connection keeps is measured.
        server.figures("collect")
        time.sleep(1)
        held = server.rss()
    finally:
        connections.close()
    return {"rss": held, "rss_per_connection": (held - before) / server.scenario.connections, "errors": 0, "timeouts": 0}


def _brief(figures):
    if "rss_per_connection" in figures:
        return f"{figures['rss_per_connection']:,.0f} bytes a connection"
    text = f"{figures['throughput']:>9,.0f}/s {figures['per_cpu']:>9,.0f}/CPU-s  p50 {figures.get('p50', 0):.2f}  p99 {figures.get('p99', 0):.1f} ms"
    for trouble in ("errors", "timeouts"):
        if figures[trouble]:
            text += f"  {figures[trouble]} {trouble}"
    if figures.get("takeovers"):
        text += f"  {figures['takeovers']:.1f} takeovers/s"
    # A figure taken while methods were still being compiled is too low.
    return text + (f"  {figures['compiled']} methods compiled meanwhile" if figures.get("compiled", 0) > 5 else "")
