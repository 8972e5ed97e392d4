"""What becomes of a run when the system refuses something, at each call site in turn, or kills it."""
