"""Codecs between bytes and values: no I/O, no clock, no globals.

Each module owns one thing on the wire and has its ``encode`` and ``decode``
(and ``explain`` for annotated transcripts). Decoders take a ``Cursor`` and
raise only ``NeedMoreData`` (cursor unmoved) and ``ProtocolError``.
"""
