"""More questions than can be open at once take turns."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from client_kit import Asker

from gateway.client import Closed
from gateway.client.turns import TakingTurns
from gateway.domain import codec
from gateway.domain import messages as m


class Program:
    """Asks through two places, and knows its questions by name."""

    def __init__(self) -> None:
        self.asker = Asker()
        self.turns = TakingTurns(self.asker, 2)
        self.replies: list[bytes | None] = []

    def ask(self, name: str) -> Coroutine[Any, Any, None]:
        request = m.GetHealth(request_id=name, client_id="desk", expires_at=1)
        return self.turns.request(lambda: codec.encode(request), 5.0, self.replies.append)

    @property
    def asked(self) -> list[str]:
        return [request.request_id for request in self.asker.asked]

    def answer_oldest(self) -> None:
        self.asker.take(m.GetHealth)[1](None)


async def begun(*questions: Coroutine[Any, Any, None]) -> list[asyncio.Task[None]]:
    tasks = [asyncio.ensure_future(question) for question in questions]
    await settled()
    return tasks


async def settled() -> None:
    """Everything that can go on without an answer has done so."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_question_waits_for_an_answer_to_one_before_it_in_the_order_of_asking() -> None:
    async def scenario() -> None:
        program = Program()
        tasks = await begun(*(program.ask(name) for name in "abcd"))
        assert program.asked == ["a", "b"]
        program.answer_oldest()
        await settled()
        assert program.asked == ["a", "b", "c"]
        program.answer_oldest()
        await asyncio.gather(*tasks)
        assert program.asked == ["a", "b", "c", "d"]
        assert program.replies == [None, None]

    asyncio.run(scenario())


def test_who_no_longer_waits_for_a_turn_is_passed_over() -> None:
    async def scenario() -> None:
        program = Program()
        tasks = await begun(*(program.ask(name) for name in "abcd"))
        tasks[2].cancel()
        program.answer_oldest()
        await settled()
        assert program.asked == ["a", "b", "d"]

    asyncio.run(scenario())


def test_a_question_that_can_not_be_made_takes_no_turn() -> None:
    async def scenario() -> None:
        program = Program()
        for _ in range(3):
            with pytest.raises(TypeError):
                await program.turns.request(lambda: codec.encode(object()), 5.0, lambda _: None)
        await begun(program.ask("a"), program.ask("b"))
        assert program.asked == ["a", "b"]

    asyncio.run(scenario())


def test_closing_ends_all_that_wait_and_nothing_is_asked_after_it() -> None:
    async def scenario() -> None:
        program = Program()
        tasks = await begun(*(program.ask(name) for name in "abcdef"))
        program.turns.close()
        ends = await asyncio.gather(*tasks[2:], program.ask("late"), return_exceptions=True)
        assert [type(end) for end in ends] == [Closed] * 5
        assert program.asked == ["a", "b"]

    asyncio.run(scenario())
