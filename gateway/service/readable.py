"""What processes read besides the configuration itself: all of it at once, before they start."""

from collections.abc import Callable

from gateway.config import Config, read_secrets
from gateway.domain.errors import BadConfig
from gateway.home import Home
from gateway.service.endpoints import curve_of, endpoints_of


def check_readable(config: Config, home: Home, source: str) -> None:
    """The endpoints, their keys and every secret. Raises BadConfig with a line for each that
    can't be used, behind `source`."""
    named = {"store.password": config.store.password}
    for name, account in config.accounts.items():
        named.update(account.secrets(name))
    problems = [
        *_problems(lambda: endpoints_of(config, home)),
        *_problems(lambda: curve_of(config)),
        *_problems(lambda: read_secrets(named)),
    ]
    if problems:
        raise BadConfig("\n".join(f"{source}: {problem}" for problem in problems))


def _problems(read: Callable[[], object]) -> list[str]:
    try:
        read()
    except BadConfig as error:
        return str(error).splitlines()
    return []
