"""What an operator reads while the database is not there."""

import logging

import pytest

from gateway.store.waiting import AGAIN_S, USUAL_S, StoreWait


class Seconds:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def levels(caplog: pytest.LogCaptureFixture) -> list[int]:
    return [record.levelno for record in caplog.records]


def test_a_database_that_is_just_starting_is_one_line_however_often_it_is_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    clock = Seconds()
    waiting = StoreWait(clock)

    for _ in range(50):
        waiting.note("it does not answer")
        clock.now += USUAL_S / 51

    assert levels(caplog) == [logging.INFO]


def test_a_wait_that_lasts_is_a_warning_each_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Seconds()
    waiting = StoreWait(clock)

    for _ in range(int(USUAL_S + 2 * AGAIN_S) + 1):
        waiting.note("it does not answer")
        clock.now += 1

    assert levels(caplog) == [logging.INFO, *[logging.WARNING] * 3]
    assert "it does not answer" in caplog.text
