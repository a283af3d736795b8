"""Text of a venue or of ccxt, made safe to log and to send on: no keys, signatures or tokens."""

import re
from collections.abc import Iterable

MAX_TEXT = 400

_HIDDEN = (
    r"signature|sign|api_?key|apikey|listen_?key|listen_?token|token|passphrase|password|secret"
    r"|authorization|X-MBX-APIKEY|nonce"
)
_QUERY = re.compile(r"(https?://[^\s?\"']+|wss?://[^\s?\"']+)\?[^\s\"']*")
_STREAM_PATH = re.compile(r"(wss?://[^\s?\"']*/)[A-Za-z0-9_-]{32,}")
_PAIR = re.compile(rf"\b({_HIDDEN})=[^&\s\"']+", re.IGNORECASE)
_FIELD = re.compile(rf"([\"']({_HIDDEN})[\"']\s*:\s*)[\"'][^\"']*[\"']", re.IGNORECASE)
_SPACE = re.compile(r"\s+")


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """On one line, at most `MAX_TEXT` characters, without `secrets` or anything that looks so."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    text = _QUERY.sub(r"\1?***", text)
    text = _STREAM_PATH.sub(r"\1***", text)
    text = _PAIR.sub(r"\1=***", text)
    text = _FIELD.sub(r"\1'***'", text)
    return _SPACE.sub(" ", text).strip()[:MAX_TEXT]
