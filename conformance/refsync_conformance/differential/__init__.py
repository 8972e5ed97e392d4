"""The same command lines given to refsync and to upstream: what differs in trees, codes and texts.

``commands`` makes the lines from the option table, so that a new option is
covered as soon as it is not refused; ``run`` gives both programs the same
trees; ``normal`` says what may differ. ``ci/differential`` calls it.
"""
