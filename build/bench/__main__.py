"""Run by build/bench.sh, which builds what this measures."""

import argparse
import datetime
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import cgroups
import postgres
import processes
import report
from measure import measure
from scenarios import SCENARIOS
from servers import Machine, Server, Unsupported
from variants import VARIANTS

_ROOT = Path(__file__).resolve().parents[2]
_QUICK = ["plaintext-64", "new-connection", "sleep-5pct"]


def main():
    options = _options()
    if options.list:
        _list()
        return 0
    for by in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(by, lambda number, _: sys.exit(128 + number))
    if options.rounds is None:
        options.rounds = 1 if options.quick else 3
    folder = Path(tempfile.mkdtemp(prefix="green-bench-"))
    folder.chmod(0o755)
    try:
        return _run(options, folder)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    finally:
        # A second Ctrl+C would leave behind what this is about to clean up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        processes.stop_all()
        cgroups.remove_all()
        shutil.rmtree(folder, ignore_errors=True)


def _run(options, folder):
    make_group, accounting = cgroups.find()
    cores = sorted(os.sched_getaffinity(0))
    server_core = cores[0] if options.server_core is None else options.server_core
    load_core = cores[-1] if options.load_core is None else options.load_core
    os.sched_setaffinity(0, {load_core})
    # This process, and with it everything that it starts except the servers.
    load_group = make_group(f"green-bench-{os.getpid()}-load")
    load_group.enter()
    load_group.measured(True)
    try:
        return _measure_all(options, folder, make_group, accounting, server_core, load_core)
    finally:
        load_group.leave()
        load_group.remove()


def _measure_all(options, folder, make_group, accounting, server_core, load_core):
    machine = Machine(options.dll, options.floor, folder, server_core, load_core, make_group, options.quota)

    scenarios = _chosen(SCENARIOS, options.scenario or (_QUICK if options.quick else []), "scenario")
    variants = _available(_chosen(VARIANTS, options.variant, "variant"), scenarios[0], machine)
    about = _about(options, accounting, server_core, load_core)
    for name, text in about.items():
        print(f"{name}: {text}")
    if server_core == load_core:
        print("one core only: the load takes CPU time from the server, so compare ratios, not figures")

    results = {}
    out = Path(options.out or _ROOT / "artifacts/bench" / about["date"].replace(":", "").replace(" ", "-"))
    if options.go_on:
        about, results = report.read(out, about)
        scenarios = [scenario for scenario in scenarios if scenario.name not in results]
    path = None
    with ExitStack() as stack:
        if any(scenario.postgres for scenario in scenarios):
            if not postgres.is_installed():
                print("no PostgreSQL: leaving out the scenario postgres (apt-get install postgresql)")
                scenarios = [scenario for scenario in scenarios if not scenario.postgres]
            else:
                database = stack.enter_context(postgres.Postgres(folder / "postgres", load_core))
                machine = Machine(**{**vars(machine), "postgres": database.connection_string})
        for scenario in scenarios:
            print(f"\n== {scenario.name}: {scenario.title}", flush=True)
            wanted = [v for v in variants if v.is_dotnet or v.name in scenario.references]
            found = measure(scenario, wanted, machine, options.rounds, options.seconds, _say, trace=not options.no_strace)
            results[scenario.name] = found
            print(report.scenario_table(scenario.name, found), flush=True)
            # After each scenario, so that a run that is stopped keeps its results so far.
            path = report.write(out, about, results)
    print(f"\n{report.targets_table(results)}\n\nreport: {path}")
    return 0


def _available(variants, scenario, machine):
    """Leaves out what this build or this machine does not have, and prints that."""
    kept = []
    for variant in variants:
        if not variant.is_dotnet:
            program = machine.floor if variant.command == "floor" else variant.command
            if not shutil.which(program):
                print(f"{variant.name}: left out, {program} does not exist")
                continue
        elif variant.unless and any(v.name == variant.unless for v in kept) or not _starts(variant, scenario, machine):
            continue
        # This variant replaces one that was kept earlier.
        kept = [v for v in kept if not getattr(v, "unless", "") or v.unless != variant.name]
        kept.append(variant)
    return kept


def _starts(variant, scenario, machine):
    try:
        Server(variant, scenario, machine).close()
        return True
    except (Unsupported, processes.Failure) as reason:
        print(f"{variant.name}: left out, {reason}")
        return False


def _chosen(everything, names, kind):
    known = {item.name: item for item in everything}
    wanted = [name for text in names or [] for name in text.split(",")]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"no {kind} is called {', '.join(unknown)}. There are: {', '.join(known)}")
    return [known[name] for name in wanted] or list(everything)


def _about(options, accounting, server_core, load_core):
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    quota = f"{options.quota} % of a core by {accounting}" if "WITHOUT" not in accounting and options.quota else f"none ({accounting})"
    version = subprocess.run(["dotnet", "--version"], capture_output=True, text=True, check=False, cwd=_ROOT).stdout.strip()
    commit = subprocess.run(["git", "-C", str(_ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ"),
        "machine": f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, .NET SDK {version}",
        "command": "build/bench.sh " + " ".join(options.shown),
        "commit": commit or "unknown",
        "quota": quota,
        "pinned": f"server to core {server_core}, load to core {load_core}",
        "rounds": f"{options.rounds} of {options.seconds:g} s for each variant, interleaved",
    }


def _list():
    print("scenarios:")
    for scenario in SCENARIOS:
        print(f"  {scenario.name:<24}{scenario.title}")
    print("variants:")
    for variant in VARIANTS:
        print(f"  {variant.name:<24}{variant.about}")


def _say(text):
    print(text, flush=True)


def _options():
    parser = argparse.ArgumentParser(prog="build/bench.sh", description="Measures this transport against stock Kestrel and other servers.")
    parser.add_argument("--quick", action="store_true", help=f"one round, and without --scenario only {', '.join(_QUICK)}")
    parser.add_argument("--scenario", action="append", metavar="NAME[,NAME]", help="only these")
    parser.add_argument("--variant", action="append", metavar="NAME[,NAME]", help="only these")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each variant is measured (3)")
    parser.add_argument("--seconds", type=int, default=2, metavar="N", help="how long each time (2)")
    parser.add_argument("--quota", type=int, default=40, metavar="PERCENT", help="how much of a core the server may use; 0 for no limit (40)")
    parser.add_argument("--no-strace", action="store_true", help="do not count system calls")
    parser.add_argument("--server-core", type=int, metavar="N")
    parser.add_argument("--load-core", type=int, metavar="N")
    parser.add_argument("--out", metavar="FOLDER", help="the report's folder (artifacts/bench/DATE)")
    parser.add_argument("--continue", action="store_true", dest="go_on", help="add to the report in --out, and do not measure again what it already has")
    parser.add_argument("--list", action="store_true", help="list scenarios and variants")
    parser.add_argument("--dll", help=argparse.SUPPRESS)
    parser.add_argument("--floor", help=argparse.SUPPRESS)
    arguments = sys.argv[1:]
    options = parser.parse_args(arguments)
    if options.go_on and not options.out:
        parser.error("--continue needs --out: the folder of the report to add to")
    options.shown = [a for a in arguments if not a.startswith(("--dll=", "--floor="))]
    return options


sys.exit(main())
