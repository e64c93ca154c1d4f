"""One scenario: every variant warmed up without quota, then measured in turns, round by round."""

import contextlib
import time

import syscalls
from load import Background, IdleConnections, run_load
from processes import Failure
from servers import Server, Unsupported

_WARM_UP_AT_MOST = 15
# No new method for so long, and for so much CPU time: where neighbours take the core, the compiler waits too.
_STILL_FOR = 1.5
_STILL_FOR_CPU = 1.0


def measure(scenario, variants, machine, rounds, seconds, say, trace=True):
    """Returns {variant: {"rounds": [figures], "syscalls": {...}, "warm_up": ...}}."""
    results = {}
    with contextlib.ExitStack() as stack:
        servers = []
        for variant in variants:
            try:
                servers.append(stack.enter_context(Server(variant, scenario, machine)))
            except Unsupported as unsupported:
                say(f"  {variant.name}: left out, {unsupported}")
            except Failure as failure:
                say(f"  {variant.name}: {failure}")
        for server in servers:
            warm_up = _warm_up(server, machine)
            results[server.variant.name] = {"rounds": [], "syscalls": {}, "warm_up": warm_up}
            if not warm_up["still"]:
                say(f"  {server.variant.name}: methods were still being compiled after {warm_up['seconds']:.0f} s of warm-up")

        for number in range(1 if scenario.tool == "idle" else rounds):
            # A B C, B C A, ...: nobody always comes after the same one.
            shift = number % max(1, len(servers))
            for server in servers[shift:] + servers[:shift]:
                figures = _idle(server) if scenario.tool == "idle" else _loaded(server, machine, max(seconds, scenario.least_seconds))
                results[server.variant.name]["rounds"].append(figures)
                say(f"  round {number + 1} {server.variant.name:<22} {_brief(figures)}")

        if trace and scenario.calls:
            for server in servers:
                server.limit(True)
                calls = syscalls.per_request(server, machine)
                results[server.variant.name]["syscalls"] = calls
                say(f"  calls   {server.variant.name:<22} {sum(calls.values()):.2f} a request")
    return results


def _warm_up(server, machine):
    """Loads the server until no further method gets compiled, and says how long that took and how it ended."""
    scenario = server.scenario
    if scenario.tool == "idle":
        IdleConnections(server.port, 200, scenario.path).close()
        return {"seconds": 0, "still": True}
    start = time.monotonic()
    if not server.variant.is_dotnet:
        run_load(scenario, server.port, 1, machine.load_core)
        return {"seconds": time.monotonic() - start, "still": True}
    with Background(scenario, server.port, _WARM_UP_AT_MOST + 5, machine.load_core):
        methods, changed, changed_cpu = 0, start, 0
        while True:
            time.sleep(0.1)
            now, cpu = time.monotonic(), server.group.cpu_time().total
            count = server.figures()["methods"]
            if count != methods:
                methods, changed, changed_cpu = count, now, cpu
            # A server whose handlers sleep uses hardly any CPU time: it has all of the core to compile on.
            idle = cpu < (now - start) / 4
            still = now - changed >= _STILL_FOR and (idle or cpu - changed_cpu >= _STILL_FOR_CPU)
            if still or now - start >= _WARM_UP_AT_MOST:
                return {"seconds": now - start, "still": still, "methods": methods}


def _loaded(server, machine, seconds):
    server.limit(True)
    before, cpu_before = server.figures(), server.group.cpu_time()
    load = run_load(server.scenario, server.port, seconds, machine.load_core)
    cpu, after = server.group.cpu_time().since(cpu_before), server.figures()
    server.limit(False)
    requests = max(1, load.requests)
    figures = {
        "per_cpu": load.requests / cpu.total if cpu.total > 0 else 0,
        "throughput": load.requests / load.seconds,
        "user": cpu.user * 1e6 / requests,
        "system": cpu.system * 1e6 / requests,
        "cpu_share": cpu.total / load.seconds,
        "p50": load.p50,
        "p99": load.p99,
        "rss": server.rss(),
        "errors": load.errors,
        "timeouts": load.timeouts,
    }
    if before:
        figures["allocated"] = (after["allocatedBytes"] - before["allocatedBytes"]) / requests
        figures["compiled"] = after["methods"] - before["methods"]
        figures["threads"] = after["threads"]
    return figures


def _idle(server):
    server.figures("collect")
    before = server.rss()
    connections = IdleConnections(server.port, server.scenario.connections, server.scenario.path)
    try:
        # Blocks and garbage of the request go first: what a connection keeps is looked for.
        server.figures("collect")
        time.sleep(1)
        held = server.rss()
    finally:
        connections.close()
    return {"rss": held, "rss_per_connection": (held - before) / server.scenario.connections, "errors": 0, "timeouts": 0}


def _brief(figures):
    if "rss_per_connection" in figures:
        return f"{figures['rss_per_connection']:,.0f} bytes a connection"
    text = f"{figures['throughput']:>9,.0f}/s {figures['per_cpu']:>9,.0f}/CPU-s  p50 {figures['p50']:.2f}  p99 {figures['p99']:.1f} ms"
    for trouble in ("errors", "timeouts"):
        if figures[trouble]:
            text += f"  {figures[trouble]} {trouble}"
    # A figure taken while methods were still being compiled is too low.
    return text + (f"  {figures['compiled']} methods compiled meanwhile" if figures.get("compiled", 0) > 5 else "")
