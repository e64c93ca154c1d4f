"""Repeats a measurement with this build and, with --before, with another commit's build in turns."""


def in_turns(programs, arguments, rounds, measure):
    """Yields the name of a build and its figures, as lists with one entry for each round."""
    builds = {"": programs}
    if arguments.before:
        builds["before: "] = arguments.before
    taken = {name: [] for name in builds}
    for number in range(rounds):
        # Other work on the machine affects both alike, and neither build always comes second.
        for name in sorted(builds, reverse=number % 2 == 1):
            taken[name].append(measure(builds[name]))
    return taken.items()
