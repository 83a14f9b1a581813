"""Small images as text."""

import numpy as np

_SHADES = " ░▒▓█"
ANYTHING = "·"
"""What stands for a pixel that may have any value."""


def picture(values: np.ndarray, shape: tuple[int, int], limits: tuple[float, float]) -> list[str]:
    """An image as lines of shaded blocks, two characters a pixel.

    Args:
        values: Pixels of shape (n,), NaN where a pixel may have any value.
        shape: (height, width), height * width = n.
        limits: The values that are drawn blank and full.
    """
    low, high = limits
    steps = len(_SHADES) - 1
    shares = np.clip((np.nan_to_num(values, posinf=high, neginf=low) - low) / (high - low), 0, 1)
    cells = [
        ANYTHING if np.isnan(value) else _SHADES[round(share * steps)]
        for value, share in zip(values, shares, strict=True)
    ]
    height, width = shape
    return ["".join(2 * cell for cell in cells[i * width : (i + 1) * width]) for i in range(height)]
