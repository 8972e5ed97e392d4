"""The io_uring data path: one ring a process, in which file data and connection data move without Python.

``choice`` decides whether there is a ring, ``ring`` owns it, ``movers`` send and receive files over it,
``sites`` names every place in the C code that submits something and what has been counted there.
"""
