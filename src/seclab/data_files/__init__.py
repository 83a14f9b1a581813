"""Dataset files of other people: CSV, Parquet and NPZ, read without trusting a byte of them."""

from seclab.data_files.limits import Limits
from seclab.data_files.reading import UNSTATED, read_arrivals, read_dataset

__all__ = ["UNSTATED", "Limits", "read_arrivals", "read_dataset"]
