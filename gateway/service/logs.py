"""Logs: one line an event, an action name and then ids as key=value, the same in all processes."""

import logging
import sys
import time

from gateway.domain.enums import Role

FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(role)s %(name)s %(message)s"


class _WithRole(logging.Filter):
    def __init__(self, role: Role) -> None:
        super().__init__()
        self._role = role

    def filter(self, record: logging.LogRecord) -> bool:
        record.role = self._role
        return True


def configure(role: Role, level: str = "INFO") -> None:
    """To stderr, in UTC. For a process of its own; an attached gateway leaves the host's alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_WithRole(role))
    formatter = logging.Formatter(FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("aiohttp.access", "asyncio", "ccxt"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
