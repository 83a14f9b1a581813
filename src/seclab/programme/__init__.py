"""How the whole programme stands: figures from registers and evidence, recorded like evidence.

What has nothing to count is absent, and never 0.
"""

from seclab.programme.computing import Facts, compute
from seclab.programme.document import document_of, figures_of
from seclab.programme.gathering import Decided, gather, load_decided
from seclab.programme.markdown import render_markdown
from seclab.programme.measures import MEASURES, Change, Measure, changes, numbers, written
from seclab.programme.recorded import (
    Recorded,
    last_recorded,
    read_recorded,
    recorded_differences,
    recordings,
)
from seclab.programme.records import Figures, OpenFailure, Share, Sighting, Spread, Waivers

__all__ = [
    "MEASURES",
    "Change",
    "Decided",
    "Facts",
    "Figures",
    "Measure",
    "OpenFailure",
    "Recorded",
    "Share",
    "Sighting",
    "Spread",
    "Waivers",
    "changes",
    "compute",
    "document_of",
    "figures_of",
    "gather",
    "last_recorded",
    "load_decided",
    "numbers",
    "read_recorded",
    "recorded_differences",
    "recordings",
    "render_markdown",
    "written",
]
