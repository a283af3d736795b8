"""The page that draws an order's life: a diagram and a table, both out of `life.MOVES`."""

from collections.abc import Iterator

from gateway.domain.enums import OrderStatus
from gateway.domain.facts import Fact
from gateway.domain.life import MOVES

_INTRODUCTION = """\
# The life of an order

Generated from `MOVES` in `gateway/domain/life.py`, which also says why the rules are as they are.
A fact that changes nothing is always allowed and not drawn; a change of status that is not drawn
is refused and raises the alarm `bad_move`.
"""

_READING = """\
A pending cancel or amend is not a status but the field `pending`. An order that is closed stays
closed, except that a fill always counts, and that an end which the gateway had inferred (a
refusal, a verdict by evidence, an operator's word, a filled quantity that an unheard amend has
raised) gives way to what the venue itself shows.
"""


def life_page() -> str:
    """`docs/order-life.md`."""
    table = "".join(f"{line}\n" for line in _table())
    return f"{_INTRODUCTION}\n{_diagram()}\n{_READING}\n{table}"


def _diagram() -> str:
    arrows = "".join(
        f"    {before} --> {after}: {', '.join(facts)}\n" for before, after, facts in _arrows()
    )
    return f"```mermaid\nstateDiagram-v2\n    [*] --> pending_new\n{arrows}```\n"


def _arrows() -> Iterator[tuple[OrderStatus, OrderStatus, list[str]]]:
    for before in OrderStatus:
        for after in OrderStatus:
            facts = [_name(fact) for fact, moves in MOVES.items() if after in moves.get(before, ())]
            if facts:
                yield before, after, facts


def _table() -> Iterator[str]:
    """One row per fact, one column per status that it is applied to."""
    yield "| fact | " + " | ".join(OrderStatus) + " |"
    yield "|---" * (len(OrderStatus) + 1) + "|"
    for fact, moves in MOVES.items():
        cells = (", ".join(moves.get(before, ())) for before in OrderStatus)
        yield f"| {_name(fact)} | " + " | ".join(cells) + " |"


def _name(fact: type[Fact]) -> str:
    return str(fact.__struct_config__.tag).replace("_", " ")
