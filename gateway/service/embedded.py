"""The embedded configuration with the paper venue at a port of its own."""

import secrets
import socket

from gateway import config as configuration

FIRST_PORT, LAST_PORT = 15_000, 32_000


def embedded_text() -> str:
    return configuration.embedded_text(f"http://127.0.0.1:{free_port()}")


def free_port(count: int = 1) -> int:
    """The first of `count` in a row. Below those that the kernel gives to outgoing connections:
    one of them could be gone again before whoever it is for binds it."""
    while True:
        first = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT - count)
        if all(_is_free(first + more) for more in range(count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
