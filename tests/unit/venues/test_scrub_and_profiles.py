"""No secrets in text; no unknown venue by accident; frames matched by pattern."""

import pytest

from gateway.domain.errors import BadConfig
from gateway.domain.identity import AccountId
from gateway.venues.ccxt_venue import CcxtVenue
from gateway.venues.profiles import ANYTHING, ROWS, matches, row_of
from gateway.venues.scrub import MAX_TEXT, scrub
from gateway.venues.settings import Credentials, VenueSettings
from gateway.venues.tap import TapCache

SECRETS = [
    "binance GET https://api.binance.com/api/v3/order?symbol=B&signature=abc123&timestamp=1",
    "POST body symbol=B&signature=abc123",
    'ws {"params":{"apiKey":"abc123","signature":"abc123"}}',
    "{'X-MBX-APIKEY': 'abc123'}",
    "wss://stream.binance.com/ws/abc123abc123abc123abc123abc123abc123abc123abc123",
    "okx passphrase=abc123",
]


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    assert "abc123" not in scrub(text)


def test_the_accounts_own_secrets_are_taken_out_wherever_they_stand() -> None:
    assert "hunter22" not in scrub("the key hunter22 is bad", ("hunter22",))


def test_text_is_one_line_of_bounded_length() -> None:
    text = scrub("a\nb\n" + "x" * 10_000)
    assert "\n" not in text
    assert len(text) <= MAX_TEXT


def test_credentials_never_show() -> None:
    credentials = Credentials(api_key="abc123", secret="abc123", other={"token": "abc123"})
    settings = VenueSettings(account=AccountId("a"), exchange="binance", credentials=credentials)
    assert "abc123" not in repr(credentials) + str(credentials) + repr(settings)
    assert credentials.for_ccxt() == {"apiKey": "abc123", "secret": "abc123", "token": "abc123"}


def test_a_venue_without_a_row_must_be_asked_for() -> None:
    with pytest.raises(BadConfig, match="unverified"):
        row_of("bitfinex", unverified=False)
    assert row_of("bitfinex", unverified=True).cancel_by is None


def test_an_exchange_that_ccxt_does_not_know_is_refused() -> None:
    settings = VenueSettings(account=AccountId("a"), exchange="nosuch", unverified=True)
    with pytest.raises(BadConfig, match="nosuch"):
        CcxtVenue(settings, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("exchange", ROWS)
def test_every_row_makes_a_venue_with_a_private_stream(exchange: str) -> None:
    settings = VenueSettings(account=AccountId("a"), exchange=exchange)
    venue = CcxtVenue(settings, None, None)  # type: ignore[arg-type]
    assert venue.profile.venue == exchange
    assert venue.profile.has_private_stream
    assert not venue.ready


def test_patterns_match_by_dotted_path() -> None:
    ack = {"id": "1", "result": {"subscriptionId": 0}}
    assert matches(ack, {"result.subscriptionId": ANYTHING})
    assert not matches({"result": {}}, {"result.subscriptionId": ANYTHING})
    assert not matches([], {"result": ANYTHING})
    assert matches({"op": "subscribe", "success": True}, {"op": "subscribe", "success": True})
    assert not matches({"op": "subscribe", "success": False}, {"success": True})


def test_case_47_an_expired_listen_key_is_the_end_of_the_stream() -> None:
    """Binance USD-M futures, "Event: User Data Stream Expired"."""
    said = {"e": "listenKeyExpired", "E": 1736996475556, "listenKey": "WsCMN0a4KHUPTQuX6IUnqEZ"}
    assert any(matches(said, pattern) for pattern in ROWS["binanceusdm"].ends)


def test_the_tap_hears_each_row_before_it_is_merged() -> None:
    heard: list[object] = []
    cache = TapCache(heard.append)
    for filled in ("0", "1", "2"):
        cache.append({"symbol": "B", "id": "1", "filled": filled})
    assert [row["filled"] for row in heard] == ["0", "1", "2"]  # type: ignore[index]
    assert len(cache) == 1
