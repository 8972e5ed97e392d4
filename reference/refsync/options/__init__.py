"""What a run may be asked to do: one table, one parser, one writer of server arguments."""
