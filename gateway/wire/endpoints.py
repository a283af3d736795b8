"""Endpoint strings: parsed completely, or refused."""

import ipaddress
import os
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path

from gateway.folders import plain_path
from gateway.wire.base import BadEndpoint
from gateway.wire.limits import MAX_IPC_PATH_BYTES


class Scheme(Enum):
    INPROC = "inproc"
    IPC = "ipc"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed endpoint. `text` is the form that the sockets are given."""

    scheme: Scheme
    text: str
    path: Path | None = None
    """Of an `ipc://` socket."""
    loopback: bool = True
    """Whether only this host can reach it."""
    ipv6: bool = False
    any_port: bool = False
    """Whether the system chooses the port: for binding, in tests."""


def parse(endpoint: str) -> Address:
    """Parse `inproc://name`, `ipc:///absolute/path` or `tcp://host:port`.

    Raises BadEndpoint with a sentence that says what is wrong.
    """
    scheme, separator, rest = endpoint.partition("://")
    if not separator or not rest or not rest.isprintable():
        raise BadEndpoint(f"not an endpoint: {endpoint!r}")
    if scheme == Scheme.INPROC.value:
        return Address(Scheme.INPROC, endpoint)
    if scheme == Scheme.IPC.value:
        return _parse_ipc(endpoint, rest)
    if scheme == Scheme.TCP.value:
        return _parse_tcp(endpoint, rest)
    raise BadEndpoint(f"{endpoint!r}: only inproc://, ipc:// and tcp:// are known")


def _parse_ipc(endpoint: str, rest: str) -> Address:
    path = Path(rest)
    if not path.is_absolute():
        raise BadEndpoint(f"{endpoint!r}: an ipc path must be absolute")
    if rest != str(path) or ".." in path.parts:
        raise BadEndpoint(f"{endpoint!r}: write the ipc path plainly, as {path.resolve()}")
    size = len(os.fsencode(path))
    if size > MAX_IPC_PATH_BYTES:
        raise BadEndpoint(
            f"{endpoint!r}: the path has {size} bytes and at most {MAX_IPC_PATH_BYTES} work:"
            " choose a shorter runtime folder"
        )
    return Address(Scheme.IPC, endpoint, path=path)


def _parse_tcp(endpoint: str, rest: str) -> Address:
    host, separator, port = rest.rpartition(":")
    any_port = port in {"*", "0"}
    if not separator or not host or any(char in host for char in ";,/@ "):
        raise BadEndpoint(f"{endpoint!r}: expected tcp://host:port")
    if not any_port and not _is_port(port):
        raise BadEndpoint(f"{endpoint!r}: a port is a number from 1 to 65535")
    host = "127.0.0.1" if host == "localhost" else host  # libzmq binds to no host names
    number = _ip_address(endpoint, host)
    return Address(
        Scheme.TCP,
        f"tcp://{host}:{'*' if any_port else port}",
        loopback=number is not None and number.is_loopback,
        ipv6=number is not None and number.version == 6,
        any_port=any_port,
    )


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535


def _ip_address(endpoint: str, host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address in `host`; None for a name, which may lead anywhere."""
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        number = ipaddress.ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        if bracketed or ":" in host:
            raise BadEndpoint(f"{endpoint!r}: not an IPv6 address") from None
        return None
    if bracketed != (number.version == 6):
        raise BadEndpoint(f"{endpoint!r}: an IPv6 address, and no other, stands in brackets")
    return number


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The five endpoints of one gateway."""

    orders: str
    urgent: str
    reports: str
    status: str
    requests: str

    def __post_init__(self) -> None:
        texts = [getattr(self, field.name) for field in fields(self)]
        addresses = [parse(text) for text in texts]
        fixed = [address.text for address in addresses if not address.any_port]
        if len(set(fixed)) < len(fixed):
            raise BadEndpoint(f"two of the endpoints are the same: {', '.join(texts)}")

    @classmethod
    def ipc(cls, folder: Path | str) -> "Endpoints":
        """Sockets in a runtime folder, which only its owner may be able to enter."""
        base = plain_path(Path(folder))
        return cls(*(f"ipc://{base / field.name}" for field in fields(cls)))

    @classmethod
    def tcp(cls, host: str, base_port: int) -> "Endpoints":
        """Five ports from `base_port` on; 0 lets the system choose each, when bound."""
        step = 1 if base_port else 0
        ports = (base_port + step * index for index in range(len(fields(cls))))
        return cls(*(f"tcp://{host}:{port}" for port in ports))

    @classmethod
    def inproc(cls, name: str) -> "Endpoints":
        """Endpoints inside this process, for a gateway that is attached under `name`."""
        return cls(*(f"inproc://{name}/{field.name}" for field in fields(cls)))
