import json
import shutil
from pathlib import Path

import pytest

from tests.cli.inside import seclab

PROJECT = Path(__file__).parents[2]
