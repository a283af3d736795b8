"""What a run showed, for people and for the history."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from heapq import nlargest
from typing import Any

from gateway.chaos.judging import by_rule
from gateway.chaos.recovery import SECOND, Sample, Spread, spread
from gateway.chaos.run import Outcome

SHOWN = 8
SLOWEST = 3


def tell(outcome: Outcome, say: Callable[[str], None]) -> None:
    evidence, settings = outcome.evidence, outcome.settings
    own = sum(order.origin == "own" for order in evidence.orders)
    places = sum(command.what == "place" for command in evidence.commands)
    say(f"seed {settings.seed}: {settings.seconds / 60:g} minutes")
    say(f"commands {_counts(command.what for command in evidence.commands)}")
    say(
        f"orders: {places} places asked for, {own} taken in, {len(evidence.venue_orders)} at the"
        f" venue, {len(evidence.venue_fills)} fills, {len(evidence.items)} items published,"
        f" {len(evidence.refusals)} refusals, {len(evidence.alarms)} alarms"
    )
    say(f"order states: {_counts(order.status for order in evidence.orders)}")
    say(f"alarms: {_counts(alarm.kind for alarm in evidence.alarms)}")
    say(f"venue faults: {outcome.venue_faults.total()}: {_told(outcome.venue_faults)}")
    struck = Counter(f"{one.blow} {one.target}" for one in outcome.struck)
    say(f"process faults: {outcome.process_faults}; all blows: {_told(struck)}")
    say(f"settled {outcome.settled_s:.1f} s after the last fault")
    _tell_recovery(outcome.samples, say)
    say(f"differences: {len(outcome.violations)} {_told(by_rule(outcome.violations))}")
    shown: Counter[str] = Counter()
    for violation in outcome.violations:
        shown[violation.rule] += 1
        if shown[violation.rule] <= SHOWN:
            say(f"  {violation.rule}: {violation.about}: {violation.text[:600]}")


def figures_of(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {
        "minutes": round(outcome.settings.seconds / 60, 1),
        "orders": len(outcome.evidence.venue_orders),
        "fills": len(outcome.evidence.venue_fills),
        "venue faults": outcome.venue_faults.total(),
        "process faults": outcome.process_faults,
        "differences": len(outcome.violations),
    }
    for label, took in _spreads(outcome.samples).items():
        found[f"{label}, p99 s"] = round(took.p99, 2)
    return found


def _spreads(samples: Iterable[Sample]) -> dict[str, Spread]:
    delays: dict[str, list[int]] = defaultdict(list)
    for sample in samples:
        delays[sample.label].append(sample.delay)
    return {label: spread(found) for label, found in sorted(delays.items())}


def _tell_recovery(samples: Iterable[Sample], say: Callable[[str], None]) -> None:
    samples = list(samples)
    say("from the fault to a right and published state, in seconds:")
    for label, took in _spreads(samples).items():
        say(
            f"  {label}: {took.count} changes of orders, p50 {took.median:.3f},"
            f" p99 {took.p99:.3f}, at most {took.most:.3f}"
        )
        slowest = nlargest(SLOWEST, (s for s in samples if s.label == label), _delay)
        for one in slowest:
            told = ", ".join(sorted(one.kinds)) or "nothing"
            say(f"    {one.delay / SECOND:.3f} {one.order_id} around it: {told}")


def _delay(sample: Sample) -> int:
    return sample.delay


def _counts(words: Iterable[str]) -> str:
    return _told(Counter(words))


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))
