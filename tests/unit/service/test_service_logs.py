"""A line in the log: what it holds, and what it can't be made to hold."""

import json
import logging

import pytest

from gateway.service.logs import EventFormatter


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "levelname": "WARNING", "created": 0, "msecs": 7})
    vars(made).update(fields)
    return made


def as_text(message: str, **fields: object) -> str:
    return EventFormatter("executor", "text").format(record(message, **fields))


def test_an_event_is_one_line_with_its_ids() -> None:
    line = as_text("command_refused", code="expired", order_id="7")
    assert line == (
        "1970-01-01T00:00:00.007Z WARNING  executor command_refused code=expired order_id=7"
    )


def test_what_a_stranger_sent_does_not_pass_for_an_event_of_its_own() -> None:
    line = as_text("request_refused", request_id="r1\n1970-01-01T00:00:00.000Z INFO all is well")
    assert line.split("\n")[1].startswith("    1970")
    assert [text for text in line.split("\n") if text.startswith("1970")] == [line.split("\n")[0]]


def test_what_a_stranger_sent_does_not_move_the_cursor_of_a_terminal() -> None:
    line = as_text("request_refused", request_id="\x1b[2J\r\x00\x9b1A\u2028")
    assert r"request_id=\x1b[2J\r\x00\x9b1A\u2028" in line
    assert line.isprintable()


def test_the_trace_of_an_error_stands_below_its_line() -> None:
    with pytest.raises(ValueError, match="invalid") as caught:
        int("broken")
    raised = (caught.type, caught.value, caught.tb)
    line = as_text("request_failed", exc_info=raised)
    assert line.splitlines()[1] == "Traceback (most recent call last):"
    assert line.splitlines()[-1].startswith("ValueError: invalid")


def test_fields_named_in_the_message_are_fields_of_the_object_with_their_types() -> None:
    named = record("order_changed order_id=%s seq=%d text=%s")
    named.args = ("7", 3, 'said "no" account=9')

    line = json.loads(EventFormatter("listener", "json").format(named))

    assert line["event"] == "order_changed"
    assert (line["order_id"], line["seq"], line["text"]) == ("7", 3, 'said "no" account=9')
    assert "account" not in line


def test_a_message_of_a_library_is_all_name() -> None:
    foreign = record("%s took %d ms")
    foreign.args = ("select", 3)

    line = json.loads(EventFormatter("listener", "json").format(foreign))

    assert line["event"] == "select took 3 ms"


def test_as_json_an_event_is_one_object_whatever_it_holds() -> None:
    text = EventFormatter("executor", "json").format(record("refused", reason='a\n"b"', number=3))
    assert "\n" not in text
    assert json.loads(text) == {
        "at": "1970-01-01T00:00:00.007Z",
        "level": "warning",
        "role": "executor",
        "logger": None,
        "event": "refused",
        "reason": 'a\n"b"',
        "number": 3,
    }
