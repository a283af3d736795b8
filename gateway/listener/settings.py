"""What can be set of the listener, and what its memory is bounded by."""

from msgspec import Struct

SECOND = 1_000_000_000


class ListenerSettings(Struct, frozen=True, kw_only=True):
    """Times in ns. Each bound says what happens when it is reached.

    tag: the id space of this gateway.
    kept_closed: closed orders kept in memory to recognise late facts. The oldest go, but none whose
        last change is not in the store yet; a fact that names one that went is parked until the
        store has been asked. Open orders are all kept, with the digests of their trades: what is
        open at the venues is the bound.
    kept_trades: digests of the trades of closed orders that went: one that is told again is known
        without the store. More than there are in a sweep's interval and overlap, of all accounts.
        The oldest go; the store is then asked.
    held_facts: parked facts. They are in the journal. When reached, an outbox record that would
        park one is not taken, and comes again; nor is what a venue said when it was asked, which
        is asked again. What a stream said is dropped, counted, and the stream is announced as down
        and up again, so that a sweep brings it back. Of searches only half of it may be taken.
    waiting_sweeps: reports of an account's sweeps and searches that wait for their turn: of trades,
        2,000 in each, more than a venue is asked for in one search. When reached, a further one
        does not count, and is asked again.
    room_wait, room_tries: how often it is seen whether there is room for a search to go on; then it
        is given up, so that what waits behind it goes on.
    backlog: events of the venues' streams that wait in memory because the journal takes nothing.
        When reached, further ones are dropped, as above.
    hold: how long at least a fact waits that names an order by the venue's id only.
    name_patience: how long a fill waits for the venue to say whose it is, if nothing else
        tells. Then it counts as an external order's, with an alarm.
    intent_patience: how long after the outbox seems to have passed it the intent of an order with
        an id of ours may still come, before an alarm says that there is none: a clock that was set
        back makes records that waited to be sent look newer than what was heard before them.
    unknown_said: orders of one account that are said to be unknown at a time, the oldest first;
        after `unknown_turn` it is the next ones' turn.
    looked_at_once: facts that name an order by the venue's id only, which are looked at in one go.
    loss_said: for how long it is said that a journal lost records, so that what was lost is
        searched for. unproven_loss: how far back at most, where nothing tells when it happened.
    clock_error: how far the clocks of our processes may be apart.
    recalls_at_once: orders that the store is asked for at the same time; the others wait.
    slice: facts of one report that are applied in one go; other input gets its turn in between.
    stream_silence: how long after a venue's answer its private stream may be silent of that order;
        more where the venue's profile says so.
    awaited_events: orders of an account that its stream is waited for to tell of; of further ones
        a lost event is found by sweeps only.
    kept_refusals: refusals in a checkpoint, for whoever asks while the store is down.
    kept_outboxes: positions of the newest ones; an older outbox can't come back.
    epoch_gap: how far the numbers of a stream jump when the journal can't prove its end.
    """

    tag: int
    kept_closed: int = 5_000
    kept_trades: int = 50_000
    held_facts: int = 10_000
    waiting_sweeps: int = 256
    room_wait: int = SECOND // 10
    room_tries: int = 50
    backlog: int = 10_000
    hold: int = 2 * SECOND
    name_patience: int = 3_600 * SECOND
    intent_patience: int = 3 * SECOND
    unknown_said: int = 20
    unknown_turn: int = 30 * SECOND
    looked_at_once: int = 500
    loss_said: int = 3_600 * SECOND
    unproven_loss: int = 3_600 * SECOND
    clock_error: int = SECOND
    head_interval: int = SECOND
    acknowledge_delay: int = SECOND // 100
    recall_retry: int = SECOND
    recalls_at_once: int = 16
    slice: int = 100
    stream_silence: int = 3 * SECOND
    awaited_events: int = 1_000
    kept_refusals: int = 1_000
    kept_outboxes: int = 16
    epoch_gap: int = 1_000_000
