"""What can be set of the listener, and what its memory is bounded by."""

from msgspec import Struct

SECOND = 1_000_000_000


class ListenerSettings(Struct, frozen=True, kw_only=True):
    """Times in ns.

    `kept_closed`: closed orders kept in memory to recognise late facts; older ones are looked up
    in the store when a fact names them. `held_facts`: facts that wait for such a look-up, or for
    the venue order id of one of our orders; when reached, further ones are dropped, counted, and
    the account is reported as missing them, so that the next sweep brings them back.
    """

    tag: int
    kept_closed: int = 5_000
    held_facts: int = 10_000
    hold: int = 2 * SECOND
    clock_error: int = SECOND
    head_interval: int = SECOND
    acknowledge_delay: int = SECOND // 100
    recall_retry: int = SECOND
    sweep_slice: int = 100
    kept_refusals: int = 1_000
    epoch_gap: int = 1_000_000
