"""refsync: a complete, readable implementation of the rsync protocol, versions 27 to 32."""

__version__ = "0.1.0"
