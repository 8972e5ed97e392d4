"""Fuzz targets for every byte that refsync takes from a peer, a user or a file, and what runs them.

``refsync-fuzz`` is the command; ``target.load(name)`` gives a target to a program.
"""
