"""An order gateway for exchange venues.

    import gateway

    with gateway.attach() as gw:            # the whole gateway, in this program
        ...
    with gateway.connect("gateway.toml", client_id="desk") as client:   # one that runs already
        ...

What is named here is loaded when it is first used: whoever only wants a client does not wait for
the venues' library. This is the one place in the package that imports late; `__init__.pyi` tells
type checkers the same.
"""

from importlib import import_module
from typing import Any

_FOUND_IN = {
    "AsyncClient": "gateway.client",
    "Client": "gateway.client",
    "Code": "gateway.domain.errors",
    "GatewayError": "gateway.domain.errors",
    "NotSent": "gateway.client",
    "Refused": "gateway.client",
    "TimedOut": "gateway.domain.errors",
    "attach": "gateway.attached",
    "attach_async": "gateway.attached",
    "connect": "gateway.service.connecting",
    "connect_async": "gateway.service.connecting",
}
__all__ = list(_FOUND_IN)


def __getattr__(name: str) -> Any:
    if name not in _FOUND_IN:
        raise AttributeError(f"module 'gateway' has no attribute {name!r}")
    return getattr(import_module(_FOUND_IN[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_FOUND_IN})
