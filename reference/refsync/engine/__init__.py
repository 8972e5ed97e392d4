"""The roles of a transfer: sender, generator, receiver, deleter.

Each is a coroutine over a ``session.link.Link``; they touch files only
through ``files`` and speak only through ``wire``.
"""
