"""A database's URL: with a password, and without one to be shown."""

import re

from psycopg import ProgrammingError, conninfo

from gateway.domain.errors import BadConfig

_IN_URL = re.compile(r"(://[^/@\s:]*):\S*@")
"""Up to the last `@`: rather too much than half of a password with a `/` or `@` in it."""
_IN_QUERY = re.compile(r"([?&](?:ssl)?password=)[^&\s]*")
_IN_WORDS = re.compile(r"(\b(?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)")


def with_password(url: str, password: str) -> str:
    """Anything that libpq takes, with the password in it. Raises BadConfig, showing neither."""
    try:
        return conninfo.make_conninfo(url, password=password)
    except ProgrammingError:
        raise BadConfig("store.url: not a PostgreSQL URL") from None


def without_password(url: str) -> str:
    """For people: the same text with `***` where a password stands."""
    shown = _IN_URL.sub(r"\1:***@", url)
    if "://" in shown:
        return _IN_QUERY.sub(r"\1***", shown)
    return _IN_WORDS.sub(r"\1***", shown)
