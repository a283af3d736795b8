"""What is said of a private stream that ended."""

import ccxt

from gateway.venues.stream import StreamLost, cause_of


def raised_while(first: Exception, second: Exception) -> BaseException:
    """As if the second had been raised while the first was handled."""
    second.__context__ = first
    return second


def test_the_venues_refusal_is_told_and_not_what_ccxt_stumbled_over_afterwards() -> None:
    refusal = ccxt.AuthenticationError("binance: the key is not valid")

    assert cause_of(raised_while(refusal, KeyError("spot"))) is refusal


def test_what_was_found_by_us_or_said_last_by_the_venue_is_told_as_it_is() -> None:
    for last in (StreamLost("no pong"), ccxt.NetworkError("gone")):
        assert cause_of(raised_while(ccxt.ExchangeError("before"), last)) is last

    assert isinstance(cause_of(raised_while(ValueError(), KeyError("x"))), KeyError)
