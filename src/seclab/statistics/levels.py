"""What all intervals have in common."""

LEVEL = 0.95
# The method of a number that the true value is no lower than: both its ends are itself.
BOUND = "clopper-pearson-bound"
