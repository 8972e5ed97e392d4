"""Peers: the rsync implementations that the suite runs, each as one executable file.

Purpose: fetch real releases as signed packages into a cache outside the checkout, prove that each one runs,
and ask it which protocol it speaks. `registry.resolve` is the way in; everything else serves it.
"""

from __future__ import annotations

from refsync_conformance.peers.model import Peer, PeerError, PeerKind
from refsync_conformance.peers.registry import names, resolve

__all__ = ["Peer", "PeerError", "PeerKind", "names", "resolve"]
