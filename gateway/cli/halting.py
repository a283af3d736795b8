"""Halting and resuming: said to the executor until its health shows it."""

from gateway.cli.exits import OutcomeNotKnown
from gateway.cli.progress import progress
from gateway.cli.reach import commanding
from gateway.cli.setting import Setting
from gateway.domain.errors import TimedOut


def halt_or_resume(setting: Setting, account: str, *, halt: bool, timeout: float) -> None:
    """`account` empty: all."""
    with commanding(setting) as client, progress("waiting for the executor's word ..."):
        say = client.halt if halt else client.resume
        try:
            say(account, timeout=timeout)
        except TimedOut as error:
            raise OutcomeNotKnown(str(error)) from None
