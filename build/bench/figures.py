"""The results of the rounds: medians, ratios to the same round of another variant, and whether targets are met."""

from dataclasses import dataclass
from statistics import median

from scenarios import SYSCALLS, TARGETS, Target
from variants import BASELINE, SUBJECTS


def value(result, figure):
    """The median over the rounds, or None."""
    if figure == SYSCALLS:
        return sum(result["syscalls"].values()) or None
    values = [r[figure] for r in result["rounds"] if figure in r]
    return median(values) if values else None


def ratio(result, other, figure):
    """The median, over the rounds, of the ratio to the other variant's value in the same round."""
    pairs = [(a[figure], b[figure]) for a, b in zip(result["rounds"], other["rounds"]) if figure in a and b.get(figure)]
    return median([a / b for a, b in pairs]) if pairs else None


def to_baseline(variants, name, figure):
    if name not in variants or BASELINE not in variants:
        return None
    return ratio(variants[name], variants[BASELINE], figure)


def subject_of(results):
    """The variant that represents this transport's default."""
    seen = {name for variants in results.values() for name in variants}
    return next((name for name in SUBJECTS if name in seen), None)


@dataclass(frozen=True)
class Verdict:
    target: Target
    subject: str
    seen: float

    @property
    def met(self):
        return self.seen <= self.target.bound if self.target.at_most else self.seen >= self.target.bound


def verdicts(results):
    """Every target that this run has figures for."""
    found = []
    for target in TARGETS:
        subject = target.subject or subject_of(results)
        variants = results.get(target.scenario, {})
        if subject not in variants or (target.against and target.against not in variants):
            continue
        mine = variants[subject]
        seen = ratio(mine, variants[target.against], target.figure) if target.against else value(mine, target.figure)
        if seen is not None:
            found.append(Verdict(target, subject, seen))
    return found
