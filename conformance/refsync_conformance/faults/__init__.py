"""What becomes of a run when the system refuses something, or kills it: each call site of the I/O layer in turn."""
