"""How to point ccxt's unmodified `binance` class at a paper venue."""

from __future__ import annotations

from typing import Any


def ccxt_config(base_url: str, key: str = "", secret: str = "") -> dict[str, Any]:
    """Constructor config for `ccxt.pro.binance` (or `ccxt.binance`) with only its URLs changed.

    `base_url` as `http://127.0.0.1:8901`. Everything that would reach for other hosts is off.
    Merge what else the caller wants into it (`enableRateLimit`, `timeout`, `session`...).
    """
    socket_url = "ws" + base_url.removeprefix("http")
    rest = base_url + "/api/v3"
    sapi = {
        f"sapi{suffix}": f"{base_url}/sapi/v{number}"
        for number, suffix in ((1, ""), (2, "V2"), (3, "V3"), (4, "V4"))
    }
    return {
        "apiKey": key,
        "secret": secret,
        "urls": {
            "api": {
                "public": rest,
                "private": rest,
                "v1": base_url + "/api/v1",
                **sapi,
                "ws": {
                    "spot": socket_url + "/ws",
                    "margin": socket_url + "/ws",
                    "ws-api": {"spot": socket_url + "/ws-api/v3"},
                },
            }
        },
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "fetchOpenOrders": {"warnWithoutSymbol": False},
        },
    }
