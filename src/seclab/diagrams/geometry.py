"""Points, boxes and the lattice that a diagram is laid out on; all in pixels."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

PITCH = 20
"""Distance of two lines of the lattice: room for a label on each of two arrows side by side."""

Point: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle.

    Attributes:
        x: Its left side.
        y: Its top.
        width: From left to right.
        height: From top to bottom.
    """

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Its lower side."""
        return self.y + self.height

    @property
    def centre(self) -> Point:
        """Its middle."""
        return self.x + self.width // 2, self.y + self.height // 2

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share more than a line."""
        return (
            self.x < other.right
            and other.x < self.right
            and self.y < other.bottom
            and other.y < self.bottom
        )

    def holds(self, other: "Box") -> bool:
        """Whether the other lies inside."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def grown(self, by: int) -> "Box":
        """The box with a margin around it."""
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def moved(self, dx: int, dy: int) -> "Box":
        """The box somewhere else."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)


def around(boxes: list[Box]) -> Box:
    """The smallest box that holds all, of which there is at least one."""
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    return Box(left, top, right - left, bottom - top)


def straights(points: tuple[Point, ...]) -> Iterator[Box]:
    """The straight pieces of a line, each as a box that is one pixel thick."""
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        yield Box(min(x0, x1), min(y0, y1), max(abs(x1 - x0), 1), max(abs(y1 - y0), 1))
