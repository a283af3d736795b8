"""The judge: compares what the venue, the gateway and its users hold, and says what differs.

It imports nothing of the gateway, so an error of the gateway's logic can't be in here as well. It
knows the promises only: no order lost or doubled, no fill lost, doubled or altered, no state that
the venue's record contradicts, streams without holes, nothing left in doubt.
"""

from collections.abc import Callable, Iterable

from gateway.sim import rules_commands as commands
from gateway.sim import rules_orders as orders
from gateway.sim import rules_streams as streams
from gateway.sim.records import Evidence, Violation

Rule = Callable[[Evidence], Iterable[Violation]]

RULES: tuple[Rule, ...] = (
    orders.no_order_is_lost,
    orders.no_order_is_doubled,
    orders.no_order_is_made_up,
    commands.no_order_is_altered,
    orders.final_states_are_the_venues,
    orders.nothing_is_left_open_or_in_doubt,
    orders.no_fill_is_lost_doubled_or_altered,
    orders.no_state_is_guessed,
    orders.no_state_falls_back,
    commands.nothing_lands_late,
    commands.nothing_refused_was_sent,
    commands.nothing_is_placed_while_halted,
    commands.cancels_are_asked_for,
    commands.cancels_take_effect,
    commands.cancel_all_leaves_none,
    commands.what_a_cancel_all_names_is_canceled,
    commands.nothing_is_repeated_without_end,
    streams.numbers_have_no_holes,
    streams.clients_heard_what_is_stored,
    streams.snapshots_are_true,
    streams.clients_know_the_end,
    streams.consumers_get_each_transaction,
    streams.alarms_have_a_cause,
    streams.nothing_was_rejected_by_the_store,
    streams.nothing_fell_or_overflowed,
)


def judge(evidence: Evidence) -> list[Violation]:
    """Every violation of every rule, in the order of the rules; empty: the promise was kept."""
    return [violation for rule in RULES for violation in rule(evidence)]
