"""Tables for the terminal and for Markdown, and the report's folder."""

import json
from pathlib import Path

import plot
from figures import subject_of, to_baseline, value, verdicts
from scenarios import PER_CPU_SECOND, RSS_PER_CONNECTION, SCENARIOS, SYSCALLS, THROUGHPUT, UNITS
from variants import BASELINE

_BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def number(amount):
    if amount is None:
        return "–"
    if abs(amount) >= 100:
        return f"{amount:,.0f}"
    return f"{amount:.1f}" if abs(amount) >= 10 else f"{amount:.2f}" if abs(amount) >= 1 else f"{amount:.3g}"


def times(amount):
    return "–" if amount is None else f"{amount:.2f}×"


def _table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def scenario_table(name, variants):
    scenario = _BY_NAME[name]
    if scenario.tool == "idle":
        header = ["variant", "RSS, MB", UNITS[RSS_PER_CONNECTION], "to stock"]
        rows = [
            [v, number(value(r, "rss") / 1e6), number(value(r, RSS_PER_CONNECTION)), times(to_baseline(variants, v, RSS_PER_CONNECTION))]
            for v, r in variants.items()
        ]
        return _table(header, rows)
    figure = THROUGHPUT if scenario.figure == THROUGHPUT else PER_CPU_SECOND
    header = ["variant", "requests/CPU-s", "requests/s", "to stock", "user µs", "system µs", "p50 ms", "p99 ms", "calls", "allocated", "RSS MB", "failed"]
    rows = []
    for variant, result in variants.items():
        failed = sum(r["errors"] + r["timeouts"] for r in result["rounds"])
        rss = value(result, "rss")
        cells = [value(result, f) for f in (PER_CPU_SECOND, THROUGHPUT)]
        rest = [value(result, f) for f in ("user", "system", "p50", "p99", SYSCALLS, "allocated")]
        ratio = times(to_baseline(variants, variant, figure))
        rows.append([variant, *map(number, cells), ratio, *map(number, rest), number(rss and rss / 1e6), str(failed)])
    return _table(header, rows)


def _calls_table(variants):
    rows = []
    for variant, result in variants.items():
        calls = ", ".join(f"{name} {count:.2f}" for name, count in list(result["syscalls"].items())[:8])
        if calls:
            rows.append([variant, calls])
    return _table(["variant", "system calls per request"], rows) if rows else ""


def targets_table(results):
    rows = []
    for verdict in verdicts(results):
        target = verdict.target
        bound = f"{'≤' if target.at_most else '≥'} {number(target.bound)}" + (f" × {target.against}" if target.against else "")
        seen = times(verdict.seen) if target.against else number(verdict.seen)
        rows.append([_BY_NAME[target.scenario].title, verdict.subject, UNITS[target.figure], bound, seen, "met" if verdict.met else "**missed**"])
    return _table(["scenario", "variant", "figure", "target", "seen", ""], rows) if rows else "No target applies to what was measured."


def short_table(results):
    """As much as a README has room for."""
    subject = subject_of(results)
    if subject is None:
        return ""
    rows = []
    for name, variants in results.items():
        scenario = _BY_NAME[name]
        mine, stock = variants.get(subject), variants.get(BASELINE)
        if mine and stock and value(mine, scenario.figure) is not None:
            pair = [number(value(v, scenario.figure)) for v in (stock, mine)]
            rows.append([scenario.title, UNITS[scenario.figure], *pair, times(to_baseline(variants, subject, scenario.figure))])
    return _table(["scenario", "figure", "stock Kestrel", f"this transport ({subject})", ""], rows)


def _facts(about):
    return "\n".join(f"- {name}: {text}" for name, text in about.items())


def read(folder, about):
    """What an earlier run wrote there, if any. Its facts then name every date and commit that contributed."""
    try:
        earlier = json.loads((Path(folder) / "results.json").read_text())
    except FileNotFoundError:
        return about, {}
    for name in ("date", "commit"):
        seen = earlier["about"][name].split(", ")
        earlier["about"][name] = ", ".join(seen if about[name] in seen else [*seen, about[name]])
    return earlier["about"], earlier["results"]


def write(folder, about, results):
    """Writes results.json, report.md and the plots; returns the report's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps({"about": about, "results": results}, indent=1))
    parts = ["# Benchmark report", _facts(about), "## Against the targets", targets_table(results), "## In short", short_table(results)]
    overview = _overview(results)
    if overview:
        (folder / "overview.svg").write_text(overview)
        parts.append("![ratio to stock](overview.svg)")
    for name, variants in results.items():
        parts += [f"## {_BY_NAME[name].title}", scenario_table(name, variants)]
        calls = _calls_table(variants)
        if calls:
            parts.append(calls)
        picture = _picture(name, variants)
        if picture:
            (folder / f"{name}.svg").write_text(picture)
            parts.append(f"![{name}]({name}.svg)")
    path = folder / "report.md"
    path.write_text("\n\n".join(part for part in parts if part) + "\n")
    return path


def _picture(name, variants):
    figure = _BY_NAME[name].figure
    rows = [(v, value(r, figure), number(value(r, figure))) for v, r in variants.items() if value(r, figure) is not None]
    return plot.bars(_BY_NAME[name].title, rows, UNITS[figure]) if rows else ""


def _overview(results):
    subject = subject_of(results)
    rows = []
    for name, variants in results.items():
        figure = _BY_NAME[name].figure
        seen = to_baseline(variants, subject, figure)
        # Where less is better, the ratio would be misleading.
        if seen is not None and figure in (PER_CPU_SECOND, THROUGHPUT):
            rows.append((name, seen, times(seen)))
    return plot.bars(f"{subject} to stock Kestrel", rows, "more is better", mark=1) if rows else ""
