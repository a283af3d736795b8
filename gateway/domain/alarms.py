"""Every kind of alarm, for people, and the id by which one is acknowledged."""

import hashlib
from collections.abc import Mapping

from gateway.domain.change import ALARMS, Alarm
from gateway.domain.codec import encode

KINDS: Mapping[str, Mapping[str, str]] = {
    "Of an order's life": ALARMS,
    "Of the desk": {
        "halted": "Somebody halted new orders, of an account or of all; cancels go on.",
        "resumed": "Somebody let new orders be taken again.",
        "recovered": "The venue has an order with an id of this gateway that was never placed "
        "from here: another gateway with the same tag, or an executor's journal that was lost.",
        "unattributed_fill": "For an hour the venue could not say whose a fill is that it names by "
        "its own order id only. It counts as an external order's: compare with the venue.",
        "stream_silent": "An account's private stream is open and tells nothing of its orders, "
        "also after it was dialled anew. They are looked up and swept meanwhile; see to the venue.",
        "record_failed": "A record of the executor could not be applied and was passed over. A "
        "bug of the gateway: its log says which.",
    },
    "Of journal and database": {
        "journal_damaged": "Records of the listener's journal can't be read and are not in the "
        "database. Sweeps bring back the state of orders, not each step of it.",
        "checkpoint_unreadable": "A checkpoint of the listener's journal could not be read. The "
        "listener went on from an older one, or from the database; nothing is lost.",
        "outbox_begun": "The executor began a new outbox: its journal, or the listener's, was "
        "lost, damaged or put back from an older copy. Ids made before are refused.",
        "journal_rewound": "The listener's journal was cut or restored: it is written to the "
        "database again from its oldest record on; what is there already is recognised.",
        "store_behind_journal": "The database is older than the journal's oldest record, restored "
        "or new: the steps in between are in neither. See the page on backups.",
        "transaction_repeated": "A trade key came a second time under another number. It is kept "
        "for replay and not counted again.",
        "write_rejected": "The database refused a row. It is kept in `rejected_writes` as it came.",
        "write_reused": "A number of a stream was given twice. What came second is kept in "
        "`rejected_writes`.",
        "write_unreadable": "A record of the journal could not be decoded. It is kept in "
        "`rejected_writes`.",
    },
}


def alarm_id_of(alarm: Alarm) -> str:
    """32 hex digits that tell it apart from any other; made of all that it says."""
    plain = Alarm(
        kind=alarm.kind,
        text=alarm.text,
        at=alarm.at,
        account=alarm.account,
        order_id=alarm.order_id,
    )
    return hashlib.blake2b(encode(plain), digest_size=16).hexdigest()


def is_alarm_id(text: str) -> bool:
    return len(text) == 32 and not set(text) - set("0123456789abcdef")
