"""Which way a command reads the store: its file itself, or a server through MLflow."""

from seclab.settings import Settings
from seclab.shelf import EmbeddedShelf, Shelf


def open_shelf(settings: Settings) -> Shelf:
    """The store of a project, to be read.

    Raises:
        StoreUnavailable: It is on a server, which does not answer.
    """
    if settings.embedded:
        return EmbeddedShelf(settings)
    # Seconds of imports, which only a server needs.
    from seclab import tracking

    return tracking.open_shelf(settings)
