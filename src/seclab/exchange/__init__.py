"""What other tools read and write, and what stands in the registers, made of one another."""
