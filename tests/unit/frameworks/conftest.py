from pathlib import Path

import pytest

from seclab.frameworks import load_frameworks

SHIPPED = Path(__file__).parents[3] / "registers" / "frameworks"


@pytest.fixture(scope="session")
def frameworks():
    return load_frameworks(SHIPPED)
