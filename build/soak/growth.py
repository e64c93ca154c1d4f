"""Whether a figure grows."""
import statistics
from dataclasses import dataclass

# More pairs would not say more, and take long to sort.
_MOST_POINTS = 400


@dataclass(frozen=True)
class Series:
    """A figure over time: pairs of a moment, in seconds, and a value."""

    points: list

    @property
    def span(self):
        return self.points[-1][0] - self.points[0][0]

    @property
    def middle(self):
        return statistics.median(value for _, value in self.points)

    def growth(self):
        """
        How much it grew from beginning to end, by the median slope between all pairs of points (Theil and Sen): a spike, or a drop
        after a garbage collection, counts only for as long as it lasts.
        """
        points = self.points[:: max(1, len(self.points) // _MOST_POINTS)]
        slopes = [(value - before) / (at - since) for index, (since, before) in enumerate(points) for at, value in points[index + 1 :] if at > since]
        return statistics.median(slopes) * self.span if slopes else 0.0

    def grows(self, share, least):
        """Whether it grew by more than a share of its median, and by more than this amount."""
        return self.growth() > max(share * self.middle, least)
