"""Stand-ins for the checks of a dataset, with known answers."""

import numpy as np

from seclab.detection import Screening


class Knowing:
    """Names exactly the rows that are not in the clean dataset.

    Args:
        clean: The dataset.
        share: Which part of these it names, from the first on; with 0 it never raises the alarm.
    """

    about = "Screened by one who knows the clean rows."

    def __init__(self, clean, share=1.0):
        self._known = {_content(*row) for row in zip(clean.features, clean.labels, strict=True)}
        self._share = share

    def __call__(self, rows):
        pairs = zip(rows.features, rows.labels, strict=True)
        foreign = np.flatnonzero([_content(*row) not in self._known for row in pairs])
        named = foreign[: round(self._share * foreign.size)]
        flagged = np.zeros(len(rows), dtype=bool)
        flagged[named] = True
        return Screening(bool(named.size), flagged, {"knowing": flagged} if named.size else {})


def _content(features, label):
    return features.tobytes(), int(label)


class Fixed:
    """Always raises the alarm and names the rows that a function of their number picks."""

    about = "Screened by one who does not look."

    def __init__(self, pick):
        self._pick = pick

    def __call__(self, rows):
        flagged = self._pick(rows)
        return Screening(True, flagged, {"fixed": flagged})
