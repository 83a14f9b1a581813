"""One logger for what people watch: the terminal shows it, and Prefect keeps it with the run."""

import logging

progress = logging.getLogger("seclab.progress")
# Prefect adds its handlers to a logger named to it, and leaves the level alone.
progress.setLevel(logging.INFO)
