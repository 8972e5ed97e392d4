"""Ends of connections: pipes, remote shells, sockets; the pump between them and a link."""
