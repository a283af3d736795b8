"""CURVE: keys, and the handler that decides whose keys may enter.

libzmq asks a handler inside its own context about each stranger, over a socket with a fixed name
(ZAP). Without a handler, a CURVE server lets in whoever knows its public key: so the handler comes
before the first bind, and ZAP_ENFORCE_DOMAIN makes libzmq refuse everybody while there is none.
"""

import asyncio
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from zmq.auth import load_certificate
from zmq.utils import z85

from gateway.wire.base import BadEndpoint, Counters, InsecureEndpoint
from gateway.wire.drain import Drain, Source
from gateway.wire.edge import is_power_of_two
from gateway.wire.sockets import Socket

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
ZAP_VERSION = b"1.0"
ZAP_DOMAIN = b"gateway"
KEY_CHARACTERS = 40
TRY_AGAIN = b"300"
"""After a final refusal (400) libzmq's client never connects again, not even to a gateway that has
learnt its key meanwhile."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """One process's keys, in Z85 text.

    `server` is the public key that whoever we connect to must have; None if this process only
    binds. `clients` are the public keys that may connect to us, beside our own: the processes of
    one gateway may share a pair.
    """

    public: str
    secret: str = field(repr=False)
    server: str | None = None
    clients: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name, key in (("public", self.public), ("secret", self.secret), *self._others()):
            if not _is_key(key):  # the key itself stays out of the error: it may be the secret
                raise BadEndpoint(f"the {name} CURVE key is not {KEY_CHARACTERS} Z85 characters")

    def _others(self) -> list[tuple[str, str]]:
        server = [("server's", self.server)] if self.server is not None else []
        return server + [("client's", key) for key in self.clients]

    @classmethod
    def generate(cls, server: str | None = None, clients: Iterable[str] = ()) -> "CurveKeys":
        public, secret = zmq.curve_keypair()
        return cls(public.decode(), secret.decode(), server, frozenset(clients))

    @classmethod
    def load(
        cls, secret_file: Path, server_file: Path | None = None, clients_folder: Path | None = None
    ) -> "CurveKeys":
        """Read keys from the certificate files of zmq.auth; clients are all `*.key` of a folder.

        Raises InsecureEndpoint if others can read the secret, BadEndpoint for an unusable file.
        """
        public, secret = _load_pair(secret_file)
        server = _load_public(server_file) if server_file is not None else None
        files = sorted(clients_folder.glob("*.key")) if clients_folder is not None else []
        return cls(public, secret, server, frozenset(_load_public(file) for file in files))


def _is_key(text: str) -> bool:
    if len(text) != KEY_CHARACTERS or not text.isascii():
        return False
    try:
        return len(z85.decode(text.encode())) == 32
    except (KeyError, ValueError, ArithmeticError, TypeError):
        return False


def _load_pair(file: Path) -> tuple[str, str]:
    public, secret = _load(file)
    if secret is None:
        raise BadEndpoint(f"{file} holds no secret key")
    if file.stat().st_mode & 0o077:
        raise InsecureEndpoint(f"others can read the secret key in {file}: chmod 600 it")
    return public, secret


def _load_public(file: Path) -> str:
    return _load(file)[0]


def _load(file: Path) -> tuple[str, str | None]:
    try:
        public, secret = load_certificate(file)
    except (OSError, ValueError) as error:
        raise BadEndpoint(f"cannot read CURVE keys from {file}") from error
    return public.decode(), secret.decode() if secret is not None else None


def save_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a new pair as `name.key` and `name.key_secret`, the latter for its owner alone.

    Raises BadEndpoint rather than overwrite a key.
    """
    public, secret = (key.decode() for key in zmq.curve_keypair())
    public_file, secret_file = folder / f"{name}.key", folder / f"{name}.key_secret"
    _write_new(public_file, f'curve\n    public-key = "{public}"\n', 0o644)
    _write_new(
        secret_file, f'curve\n    public-key = "{public}"\n    secret-key = "{secret}"\n', 0o600
    )
    return public_file, secret_file


def _write_new(file: Path, text: str, mode: int) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except OSError as error:
        raise BadEndpoint(f"cannot make the key file {file}: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)


def secure_server(socket: Socket, keys: CurveKeys) -> None:
    """Make a socket, before it is bound, refuse all but known keys."""
    socket.set(zmq.CURVE_SERVER, 1)
    socket.set(zmq.CURVE_PUBLICKEY, keys.public.encode())
    socket.set(zmq.CURVE_SECRETKEY, keys.secret.encode())
    socket.set(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
    socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)


def secure_client(socket: Socket, keys: CurveKeys) -> None:
    """Make a socket, before it connects, show its key and insist on the server's.

    Raises InsecureEndpoint if the server's key is not known.
    """
    if keys.server is None:
        raise InsecureEndpoint("the server's public CURVE key is needed to connect to it")
    socket.set(zmq.CURVE_PUBLICKEY, keys.public.encode())
    socket.set(zmq.CURVE_SECRETKEY, keys.secret.encode())
    socket.set(zmq.CURVE_SERVERKEY, keys.server.encode())


class ZapHandler:
    """Answers libzmq's question, on the loop, whether a stranger's key may enter."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: zmq.Context[Socket],
        keys: CurveKeys,
    ) -> None:
        self.accepted = 0
        self.refused = 0
        self._allowed = {z85.decode(key.encode()) for key in {*keys.clients, keys.public}}
        self._socket = context.socket(zmq.REP)
        self._socket.set(zmq.LINGER, 0)
        self._socket.bind(ZAP_ENDPOINT)
        source = Source(self._socket, ZAP_ENDPOINT, self._decide)
        self._drain = Drain(loop, [source], Counters())

    def _decide(self, frames: list[bytes]) -> None:
        _, request_id, domain, address, _, mechanism = frames[:6]
        key = frames[6] if mechanism == b"CURVE" and len(frames) == 7 else b""
        allowed = domain == ZAP_DOMAIN and key in self._allowed
        if allowed:
            self.accepted += 1
            verdict = [b"200", b"OK", z85.encode(key)]
        else:
            self._note_refused(address, key)
            verdict = [TRY_AGAIN, b"unknown key", b""]
        self._socket.send_multipart([ZAP_VERSION, request_id, *verdict, b""])
        self._drain.recheck()

    def _note_refused(self, address: bytes, key: bytes) -> None:
        self.refused += 1
        if is_power_of_two(self.refused):
            fields = {
                "address": address.decode(errors="replace"),
                "public_key": z85.encode(key).decode() if len(key) == 32 else "",
                "count": self.refused,
            }
            logger.warning("wire_key_refused", extra=fields)

    def close(self) -> None:
        self._drain.close()
        self._socket.close()
