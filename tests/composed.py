"""What docker-compose.yml and the Dockerfile say, for tests that check or follow them."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
VARIABLE = re.compile(r"\$\{(\w+):\?[^}]+\}")


def compose_file():
    """The compose file, its merges resolved and its variables not."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def strings(value):
    """Every text inside a document."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def required_variables(value):
    """Names of the variables that a document cannot do without."""
    return {name for text in strings(value) for name in VARIABLE.findall(text)}


def rewritten(value, change):
    """A document with every text but the keys changed."""
    if isinstance(value, dict):
        return {key: rewritten(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [rewritten(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def instructions():
    """The Dockerfile's instructions: name and arguments, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def copied(stage=-1):
    """What a stage copies out of the project: pairs of source and target."""
    stages = "\n".join(f"{name} {rest}" for name, rest in instructions()).split("FROM ")[1:]
    found = []
    for line in stages[stage].splitlines():
        words = line.split()
        if words[0] == "COPY" and not words[1].startswith("--from"):
            found += [(source, words[-1]) for source in words[1:-1]]
    return found
