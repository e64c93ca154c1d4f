"""The same measurement again and again: over this build and, with --before, over another commit's in turns."""


def in_turns(programs, arguments, rounds, measure):
    """Yields the name of a build and its figures, as lists with one entry a round."""
    builds = {"": programs}
    if arguments.before:
        builds["before: "] = arguments.before
    taken = {name: [] for name in builds}
    for number in range(rounds):
        # What the machine does meanwhile hits both, and neither always comes second.
        for name in sorted(builds, reverse=number % 2 == 1):
            taken[name].append(measure(builds[name]))
    return taken.items()
