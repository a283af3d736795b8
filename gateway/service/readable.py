"""What processes read besides the configuration itself: all of it at once, before they start."""

from collections.abc import Callable

from gateway.config import Config, read_secrets
from gateway.domain.errors import BadConfig
from gateway.home import Home
from gateway.service.around import sessions
from gateway.service.endpoints import curve_of, endpoints_of
from gateway.system import SystemClock, SystemRandomness


def check_readable(config: Config, home: Home, source: str) -> None:
    """The endpoints, their keys, every secret, and whether each account's venue can be had as it
    is configured. Raises BadConfig with a line for each thing that is wrong, behind `source`."""
    password = {"store.password": config.store.password}
    problems = [
        *_problems(lambda: endpoints_of(config, home)),
        *_problems(lambda: curve_of(config)),
        *_problems(lambda: read_secrets(password)),
        *_problems(
            lambda: sessions(config, SystemClock(), SystemRandomness(), sends_commands=True)
        ),
    ]
    if problems:
        raise BadConfig("\n".join(f"{source}: {problem}" for problem in problems))


def _problems(read: Callable[[], object]) -> list[str]:
    try:
        read()
    except BadConfig as error:
        return str(error).splitlines()
    return []
