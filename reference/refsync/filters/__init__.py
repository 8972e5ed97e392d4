"""Filter rules: their grammar, their order, the files that they come from, and what they match.

Nothing here talks to a peer. Files are read through a ``Source``, so a test or
a fuzz target decides what there is to read.
"""
