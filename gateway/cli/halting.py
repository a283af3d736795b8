"""Halting and resuming: said to the executor until its health shows it."""

import time

from gateway.cli.exits import OutcomeNotKnown
from gateway.cli.progress import progress
from gateway.cli.reach import CLIENT_ID, following
from gateway.cli.setting import Setting
from gateway.client import Client
from gateway.domain import messages as m
from gateway.domain.enums import Role

AGAIN_S = 1.0


def halt_or_resume(setting: Setting, account: str, *, halt: bool, timeout: float) -> None:
    """`account` empty: all. Returns when the executor's next sign of life says so."""
    with following(setting) as client:
        kind = m.Halt if halt else m.Resume
        command = kind(command_id=client.protocol.new_id(), client_id=CLIENT_ID, account=account)
        seen = _Seen(client, account, halt=halt)
        deadline = time.monotonic() + timeout
        while seen.halted is not halt:
            if time.monotonic() >= deadline:
                raise OutcomeNotKnown("the executor's health did not show it in time")
            client.protocol.send_urgent(command)
            seen.halted = None
            with progress("waiting for the executor's word ..."):
                client.pump(AGAIN_S)


class _Seen:
    """What the executor last said of halts; None: nothing since the command was sent."""

    def __init__(self, client: Client, account: str, *, halt: bool) -> None:
        self.halted: bool | None = None
        names = f"new orders of {account or 'all accounts'} "
        self._sign = "halted: " + (names if account or halt else "")
        client.protocol.on_health = self._on_health

    def _on_health(self, health: m.Health) -> None:
        if health.role is Role.EXECUTOR:
            self.halted = any(problem.startswith(self._sign) for problem in health.problems)
