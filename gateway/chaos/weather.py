"""The paper venue's own faults: every kind, in spells, so that each meets the others."""

from collections.abc import Mapping
from random import Random

from gateway.paper.faults import PHASES, Fault, FaultKind, Phase

_K = FaultKind

SPELL_S = 8.0
KINDS_AT_ONCE = 7
MAX_SKEW_MS = 6_000
LAG_MS = 900
"""Below the visibility lag that the venue promises (1 s)."""

COMMON = 0.10
"""How likely a message is hit in a spell that has a fault for it, where RARER has no other word."""
RARER: Mapping[FaultKind, float] = {
    _K.BAN: 0.01,
    _K.RATE_LIMIT: 0.03,
    _K.CDN_PAGE: 0.04,
    _K.CORRUPT_FRAME: 0.02,
    _K.BAD_QUANTITY: 0.03,
    _K.CUT_BEFORE_EVENT: 0.015,
    _K.SILENCE: 0.01,
    _K.TERMINATE_STREAM: 0.01,
    _K.REFUSE_CONNECTION: 0.5,
    _K.CRASH_BEFORE: 0.01,
    _K.CRASH_AFTER: 0.01,
    _K.HANG_REQUEST: 0.05,
    _K.HANG_ANSWER: 0.05,
    _K.DROP_REQUEST: 0.05,
    _K.DROP_ANSWER: 0.05,
    _K.INVISIBLE: 0.3,
    _K.STALE: 0.3,
    _K.WRONG_FIGURES: 0.08,
    _K.CONFLICTING_TRADE: 0.05,
}
ONCE: Mapping[FaultKind, int] = {
    _K.BAN: 1,
    _K.CRASH_BEFORE: 1,
    _K.CRASH_AFTER: 1,
    _K.SILENCE: 1,
    _K.TERMINATE_STREAM: 1,
}
"""How often in one spell: the venue as a whole is hit by these."""

_OPERATIONS = ("order.*", "order.*", "order.place", "order.cancel", "*")


def spell(random: Random, strength: float, without: frozenset[str]) -> list[Fault]:
    """The faults of the next SPELL_S seconds; now and then there are none."""
    if random.random() < 0.1:
        return []
    kinds = [kind for kind in FaultKind if kind.value not in without]
    chosen = random.sample(kinds, min(KINDS_AT_ONCE, len(kinds)))
    return [_fault(random, kind, strength) for kind in chosen]


def _fault(random: Random, kind: FaultKind, strength: float) -> Fault:
    is_request = PHASES[kind] in {Phase.BEFORE, Phase.AFTER}
    return Fault(
        kind=kind,
        operation=random.choice(_OPERATIONS) if is_request else "*",
        probability=min(RARER.get(kind, COMMON) * strength, 0.9),
        count=ONCE.get(kind),
        delay_ms=random.choice((50, 300, 1_000, 3_000, 7_000, 12_000)),
        duration_ms=random.choice((200, 1_000, 4_000)),
        lag_ms=random.randrange(1, LAG_MS),
        skew_ms=random.choice((-MAX_SKEW_MS, -500, 500, MAX_SKEW_MS)),
        status=random.choice((500, 502, 503, 504)),
        code=random.choice((-1008, -1021, -2015)) if kind is _K.REFUSE else -1000,
    )
