"""Who gives their word."""

import getpass
import re

from gateway.domain.errors import BadInput
from gateway.domain.identity import is_name


def operator_named(given: str | None) -> str:
    """Their login, unless another name is `given`. Raises BadInput."""
    name = given or re.sub(r"[^A-Za-z0-9_.-]", "-", getpass.getuser())
    if not is_name(name):
        raise BadInput("an operator's name has 1 to 64 letters, digits, '_', '.' or '-'")
    return name
