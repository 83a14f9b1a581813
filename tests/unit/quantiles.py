"""The quantile that the intervals of the tests of statistics are checked with."""

Z = 1.959963984540054  # the two-sided 95% quantile of the normal distribution
