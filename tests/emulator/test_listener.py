"""The HTTP server."""

import socket

from planasonix_emulator.listener import bound


def test_port_0_takes_any_free_port():
    """A socket listens on loopback before a server answers."""
    with bound("127.0.0.1", 0) as listening:
        host, port = listening.getsockname()
        assert host == "127.0.0.1"
        socket.create_connection((host, port)).close()


def test_connections_are_kept(api):
    """Requests one after another use one connection, and the server names nothing of itself."""
    streams = set()
    for _ in range(3):
        answer = api.get("/api/organization")
        streams.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
        assert "server" not in answer.headers
    assert len(streams) == 1
