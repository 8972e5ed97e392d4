"""A conformance suite for implementations of the rsync protocol.

A case (:mod:`refsync_conformance.cases`) is data plus a function. The runner puts it in the cells of a
matrix: who is client, who is server, which way the files go, over which transport, at which protocol
version. Each cell is first run with the control peer at both ends; what came of that is what the peer under
judgement is held to, beside what the case itself demands.
"""
