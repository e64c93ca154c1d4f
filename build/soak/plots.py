"""What a soak recorded over time, as SVG."""
import collections
import io
import math
import re

import matplotlib

matplotlib.use("svg")
# Searchable text, and the same file for the same figures.
# Points that move a line by less than a pixel are left out.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "soak", "font.size": 9, "font.family": "sans-serif", "path.simplify_threshold": 1.0})

import matplotlib.pyplot as plot  # noqa: E402

from disturbances import moment  # noqa: E402

_MOST_POINTS = 300


def draw(path, watch, done, losses, witness, half):
    figure, (acts, requests, memory, descriptors) = plot.subplots(4, 1, figsize=(9, 11), sharex=True, height_ratios=[1.2, 1, 1.4, 1.4], layout="constrained")
    _acts(acts, done)
    _requests(requests, watch, losses)
    _processes(memory, watch, witness, lambda look: look.memory, "resident memory, MB")
    _processes(descriptors, watch, witness, lambda look: look.descriptors, "descriptors, connections included")
    for axes in (acts, requests, memory, descriptors):
        axes.axvline(half / 60, color="#999999", linestyle=":", linewidth=1)
        axes.grid(alpha=0.25)
    memory.legend(loc="lower right", fontsize=8)
    descriptors.set_xlabel("minutes; growth is judged after the dotted line")
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    plot.close(figure)
    with open(path, "w") as file:
        # A tenth of a point is finer than a screen can show, and halves the file.
        file.write(re.sub(r"(\d+\.\d)\d+", r"\1", text.getvalue()))


def _acts(axes, done):
    names = sorted({act for act, _ in done}, reverse=True)
    axes.scatter([at / 60 for _, at in done], [names.index(act) for act, _ in done], marker="|", s=40, color="#0969da")
    axes.set_yticks(range(len(names)), names)
    axes.set_title("what was done", loc="left", fontsize=9)


def _requests(axes, watch, losses):
    answered = watch.answered[:: max(1, len(watch.answered) // _MOST_POINTS)]
    axes.plot([at / 60 for at, _ in answered[1:]], [(now - before) / (at - since) for (since, before), (at, now) in zip(answered, answered[1:])], linewidth=1, color="#2e9e5b")
    axes.set_ylim(bottom=0)
    axes.set_title("answers per second; losses: × of a killed worker, ● without a reason", loc="left", fontsize=9)
    for marker, colour, lost in (("x", "#bf8700", [loss for loss, cause in losses if cause]), ("o", "#cf222e", [loss for loss, cause in losses if not cause])):
        at = collections.Counter(round((moment(loss) - watch.began) / 60, 2) for loss in lost)
        axes.scatter(list(at), [0] * len(at), marker=marker, s=16, color=colour, clip_on=False, zorder=3)


def _processes(axes, watch, witness, figure, title):
    # One line for each kind of process, with gaps between processes: a path for each of hundreds would be most of the file.
    lines = collections.defaultdict(list)
    for (role, pid), looks in watch.by_process().items():
        kind = "supervisor" if role == "supervisor" else "the worker that was spared" if pid == witness else "other workers"
        lines[kind] += [(look.at / 60, figure(look)) for look in looks[:: max(1, len(looks) // _MOST_POINTS)]] + [(math.nan, math.nan)]
    for kind, colour, width, layer in (("supervisor", "#cf222e", 1.4, 3), ("the worker that was spared", "#0969da", 1.4, 3), ("other workers", "#8a8f98", 0.6, 2)):
        if kind in lines:
            axes.plot(*zip(*lines[kind]), color=colour, linewidth=width, zorder=layer, label=kind)
    axes.set_ylim(bottom=0)
    axes.set_title(title, loc="left", fontsize=9)
