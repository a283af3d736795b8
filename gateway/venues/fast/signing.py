"""Binance's websocket signature: HMAC-SHA256 over the parameters in order, with a keyed copy."""

import hmac
from collections.abc import Mapping

Params = Mapping[str, str | int]
"""A boolean is the text `true` or `false` where it is signed."""


class Signer:
    """Signs by a copy of a digest that has taken the key in already. Never shows its key."""

    def __init__(self, api_key: str, secret: str) -> None:
        self._api_key = api_key
        self._keyed = hmac.new(secret.encode(), digestmod="sha256")

    def signed(self, params: Params, timestamp_ms: int) -> dict[str, str | int]:
        """All that goes out, in alphabetical order, which is what is signed; not url-encoded."""
        whole = {**params, "apiKey": self._api_key, "timestamp": timestamp_ms}
        ordered = {name: whole[name] for name in sorted(whole)}
        text = "&".join([f"{name}={_text(value)}" for name, value in ordered.items()])
        digest = self._keyed.copy()
        digest.update(text.encode())
        ordered["signature"] = digest.hexdigest()
        return ordered


def _text(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_hmac_secret(secret: str) -> bool:
    """Others are private keys (Ed25519, RSA): ccxt signs with those."""
    return bool(secret) and "PRIVATE KEY" not in secret
