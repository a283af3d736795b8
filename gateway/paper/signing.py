"""Who is asking, and did they sign it in time: Binance's HMAC-SHA256 rules."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import msgspec

from gateway.paper.errors import (
    BAD_API_KEY_FORMAT,
    INVALID_SIGNATURE,
    INVALID_TIMESTAMP,
    REJECTED_KEY,
    VenueError,
    mandatory,
)
from gateway.paper.parameters import NS_PER_MS, Parameters

DEFAULT_RECV_WINDOW_MS = 5000
MAX_RECV_WINDOW_MS = 60000
AHEAD_MS = 1000


class Credential(msgspec.Struct, frozen=True):
    """A paper key pair; they guard nothing real."""

    account: str
    key: str
    secret: str


class Signer:
    """A credential ready to check signatures with."""

    def __init__(self, credential: Credential) -> None:
        self.account = credential.account
        self._keyed = hmac.new(credential.secret.encode(), digestmod="sha256")

    def accepts(self, payload: str, signature: str) -> bool:
        check = self._keyed.copy()
        check.update(payload.encode())
        return hmac.compare_digest(check.hexdigest(), signature.lower())


class Keys:
    def __init__(self, credentials: list[Credential]) -> None:
        self._signers = {credential.key: Signer(credential) for credential in credentials}

    def find(self, key: str) -> Signer:
        """Raises -2014 without a key, -2015 for an unknown one."""
        if not key:
            raise VenueError(BAD_API_KEY_FORMAT, "API-key format invalid.")
        signer = self._signers.get(key)
        if signer is None:
            raise VenueError(REJECTED_KEY, "Invalid API-key, IP, or permissions for action.")
        return signer


def check_signature(signer: Signer, payload: str, signature: str) -> None:
    """Raises -1102 if it is missing, -1022 if it is wrong."""
    if not signature:
        raise mandatory("signature")
    if not signer.accepts(payload, signature):
        raise VenueError(INVALID_SIGNATURE, "Signature for this request is not valid.")


def check_time(params: Parameters, now: int) -> None:
    """Raises -1021 unless the request's timestamp is within its receive window."""
    timestamp = params.integer("timestamp")
    if timestamp is None:
        raise mandatory("timestamp")
    window = float(params.decimal("recvWindow") or DEFAULT_RECV_WINDOW_MS)
    server = now // NS_PER_MS
    if timestamp >= server + AHEAD_MS:
        raise VenueError(
            INVALID_TIMESTAMP, "Timestamp for this request was 1000ms ahead of the server's time."
        )
    if server - timestamp > min(window, MAX_RECV_WINDOW_MS):
        raise VenueError(
            INVALID_TIMESTAMP, "Timestamp for this request is outside of the recvWindow."
        )


def websocket_payload(params: Mapping[str, str]) -> str:
    """What a websocket request signs: all other parameters, sorted, not url-encoded."""
    return "&".join(f"{key}={params[key]}" for key in sorted(params) if key != "signature")
