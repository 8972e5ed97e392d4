"""Hostile peers: the reference itself, with one named deviation from the protocol.

Everything that comes before and after the deviation is right, so that it meets the
code that it is aimed at. ``python -m refsync_conformance.deviant NAME`` takes the same arguments as
``refsync`` and deviates in the way of that name. ``cases.hostile_peers`` makes cases of the table.
"""
