"""Waiting until a whole gateway can do its job."""

import time

from gateway.attached.running import what_is_missing
from gateway.client import Client

START_S = 180.0


def wait_ready(client: Client) -> None:
    """Until all four say that they can do their job."""
    deadline = time.monotonic() + START_S
    while missing := what_is_missing(client.health().processes):
        assert time.monotonic() < deadline, missing
        client.pump(0.1)
