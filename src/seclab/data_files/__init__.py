"""Dataset files: CSV, Parquet and NPZ of other people, read without trusting a byte of them."""

from seclab.data_files.limits import Limits
from seclab.data_files.reading import UNSTATED, read_arrivals, read_dataset
from seclab.data_files.writing import require_writable, write_dataset

__all__ = [
    "UNSTATED",
    "Limits",
    "read_arrivals",
    "read_dataset",
    "require_writable",
    "write_dataset",
]
