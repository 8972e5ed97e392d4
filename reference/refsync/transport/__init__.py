"""Ends of connections: pipes, remote shells, sockets; and the pump that moves bytes between them and a link."""
