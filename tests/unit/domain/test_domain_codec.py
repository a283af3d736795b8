"""Frames that are not messages are refused with a code, whatever they are."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect, structs
from order_facts import accepted, intent, order_after

from gateway.domain import codec, messages
from gateway.domain.errors import BadMessage, Code

pack = msgspec.msgpack.encode

CANCEL: Mapping[str, Any] = {
    "type": "cancel",
    "order_id": "0190a5c4-7c00-8007-8000-000000000001",
    "command_id": "c1",
    "client_id": "desk",
    "account": "acc1",
    "symbol": "BTC/USDT",
}
CHECKED: Mapping[str, Any] = {
    "type": "trades_fetched",
    "report_id": "r1",
    "account": "acc1",
    "asked_at": 1,
    "answered_at": 2,
    "trades": [],
}
TRADE = {"symbol": "S", "venue_order_id": "v", "side": "buy", "price": "1", "quantity": "2"}


def refusal(frame: bytes, family: codec.Codec[Any] = codec.commands) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        family.decode(frame)
    return caught.value


def outcome(frame: bytes, family: codec.Codec[Any]) -> Code | None:
    """The code of the refusal, or None; anything else that is raised is a bug."""
    try:
        family.decode(frame)
    except BadMessage as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", Code.UNDECODABLE),
        (b"\xc1", Code.UNDECODABLE),
        (b"not msgpack at all", Code.UNDECODABLE),
        (pack(["a", "list"]), Code.UNDECODABLE),
        (pack("a text"), Code.UNDECODABLE),
        (pack(CANCEL)[:-1], Code.UNDECODABLE),
        (pack(CANCEL) + b"\x00", Code.UNDECODABLE),
        (b"\x81\xa4type\xa2\xff\xfe", Code.UNDECODABLE),
        (b"\x91" * 10_000 + b"\x01", Code.UNDECODABLE),
        (b"\x81\xa1a" * 5_000 + b"\x01", Code.UNDECODABLE),
        (b"\xdf\xff\xff\xff\xff", Code.UNDECODABLE),
        (b"\x82\xa4type\xa6cancel\xa1x\xdd\xff\xff\xff\xff", Code.UNDECODABLE),
        (pack({**CANCEL, "type": "explode"}), Code.UNKNOWN_TYPE),
        (pack({key: CANCEL[key] for key in CANCEL if key != "type"}), Code.UNKNOWN_TYPE),
        (pack({**CANCEL, "type": "order_update"}), Code.UNKNOWN_TYPE),
        (pack({**CANCEL, "version": 2}), Code.UNSUPPORTED_VERSION),
        (pack({**CANCEL, "version": 0}), Code.UNSUPPORTED_VERSION),
        (pack({"type": "from the future", "version": 99}), Code.UNSUPPORTED_VERSION),
        (pack({**CANCEL, "version": "1"}), Code.MALFORMED),
        (pack({**CANCEL, "order_id": 7}), Code.MALFORMED),
        (pack({**CANCEL, "order_id": None}), Code.MALFORMED),
        (pack({"type": "cancel"}), Code.MALFORMED),
        (pack({**CANCEL, "symbol": "x" * codec.MAX_COMMAND_BYTES}), Code.TOO_LARGE),
    ],
)
def test_a_frame_that_is_no_command_is_refused_with_its_code(frame: bytes, code: Code) -> None:
    assert refusal(frame).code is code


def test_a_refusal_holds_what_could_still_be_read() -> None:
    error = refusal(pack({**CANCEL, "account": 5}))

    assert error.hints == {
        key: CANCEL[key] for key in ("type", "order_id", "command_id", "client_id")
    }


def test_a_refusal_repeats_little_of_what_was_sent_and_nothing_that_acts() -> None:
    error = refusal(pack({**CANCEL, "type": "evil\n\x00\x1b[2J\u2028" + "x" * 9000}))

    assert error.code is Code.UNKNOWN_TYPE
    assert "evil\\n\\x00\\x1b[2J\\u2028xxx" in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 400


@pytest.mark.parametrize("figure", [1.5, 2.0, float("nan")])
def test_a_float_is_not_money(figure: float) -> None:
    place = {**CANCEL, "type": "place", "side": "buy", "order_type": "market", "expires_at": 1}
    trades = [{**TRADE, "price": figure}]

    assert refusal(pack({**place, "quantity": figure})).code is Code.MALFORMED
    report = refusal(pack({**CHECKED, "trades": trades}), codec.reports)
    assert report.code is Code.MALFORMED
    assert report.hints["account"] == "acc1"


@pytest.mark.parametrize("figure", ["NaN", "sNaN", "-Infinity", "inf"])
def test_a_figure_without_end_is_not_money(figure: str) -> None:
    frame = pack({**CHECKED, "trades": [{**TRADE, "quantity": figure}]})

    assert refusal(frame, codec.reports).code is Code.MALFORMED


@pytest.mark.parametrize("price", [Decimal("NaN"), Decimal("-Infinity")])
def test_a_figure_without_end_is_found_deep_inside_a_message(price: Decimal) -> None:
    order = structs.replace(order_after(intent(), accepted()), price=price)
    record = messages.ListenerRecord(at=0, touched=(order,))

    assert refusal(codec.encode(record), codec.listener_records).code is Code.MALFORMED


def is_figure(kind: object) -> bool:
    choices = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return any(isinstance(choice, inspect.DecimalType) for choice in choices)


def figure_names(part: object) -> Iterator[str]:
    if isinstance(part, inspect.Field) and is_figure(part.type):
        yield part.encode_name
    if isinstance(part, inspect.Type | inspect.Field):
        part = structs.astuple(part)
    if isinstance(part, tuple):
        for inner in part:
            yield from figure_names(inner)


@pytest.mark.parametrize(
    "family",
    [messages.Report, messages.Status, messages.AnyReply, messages.OutboxEvent,
     messages.ListenerRecord, messages.ListenerCheckpoint],
)  # fmt: skip
def test_the_name_of_each_figure_ends_in_three_letters(family: Any) -> None:
    """By which the decoder tells a float from other bytes."""
    names = set(figure_names(inspect.type_info(family)))

    assert {"price", "fee"} <= names
    assert [name for name in names if not name[-3:].isalpha() or len(name) < 3] == []


def test_bytes_that_only_look_like_a_float_are_taken() -> None:
    looks = {**TRADE, "symbol": "NAN/INF", "trade_id": "a\u00cb", "venue_time": 0xCBCBCBCBCBCB}

    message = codec.reports.decode(pack({**CHECKED, "asked_at": 0xCB, "trades": [looks]}))

    assert isinstance(message, messages.TradesFetched)
    assert message.trades[0].symbol == "NAN/INF"


def test_unknown_fields_are_ignored() -> None:
    message = codec.commands.decode(pack({**CANCEL, "colour": ["red"], "weight": 1}))

    assert isinstance(message, messages.Cancel)


def test_an_ignored_field_whose_text_is_none_makes_the_frame_undecodable() -> None:
    """Found by the fuzzer: what looked for floats in it raised an error of its own."""
    frame = pack({**CANCEL, "colour": "vwxyz"}).replace(b"y", b"\xcb")

    assert refusal(frame, codec.commands).code is Code.UNDECODABLE


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(frame: bytes) -> None:
    for family in (codec.commands, codec.requests, codec.reports, codec.statuses):
        assert outcome(frame, family) in {None, *Code}


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(CANCEL)), anything)
def test_any_value_in_any_field_is_taken_or_refused(field: str, value: Any) -> None:
    codes = {None, Code.MALFORMED, Code.UNKNOWN_TYPE}

    assert outcome(pack({**CANCEL, field: value}), codec.commands) in codes
