"""An HTTP proxy on loopback that knows CONNECT and nothing else, for cases of ``RSYNC_PROXY``."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress

#: Seconds that either side may be silent.
PATIENCE = 20.0


class Connector:
    """Listens from construction to ``close``. ``asked`` has what each client sent up to the empty line.

    ``answer`` is the status line; only one of success is followed by a connection.
    """

    def __init__(self, answer: str = "HTTP/1.0 200 Connection established") -> None:
        self.asked: list[str] = []
        connector = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                connector._serve(self.request, answer)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, client: socket.socket, answer: str) -> None:
        client.settimeout(PATIENCE)
        request = b""
        while not request.endswith(b"\r\n\r\n") and len(request) < 8192:
            piece = client.recv(1)
            if not piece:
                return
            request += piece
        self.asked.append(request.decode("latin-1"))
        client.sendall(f"{answer}\r\nVia: 1.0 loopback\r\n\r\n".encode())
        target = request.split()[1].decode("latin-1")
        host, _, port = target.rpartition(":")
        if " 200" not in answer or host not in ("127.0.0.1", "localhost"):
            return
        with suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE) as far:
            there = threading.Thread(target=_copy, args=(client, far), daemon=True)
            there.start()
            _copy(far, client)
            there.join(PATIENCE)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
