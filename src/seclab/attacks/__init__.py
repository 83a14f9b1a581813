"""Search procedures: arrays in, arrays out. They know no metric and no store."""
