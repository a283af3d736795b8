"""A sentence for every code, and the page that lists them."""

from collections.abc import Iterator, Mapping

from gateway.domain.alarms import KINDS
from gateway.domain.errors import Code

SENTENCES: Mapping[str, Mapping[Code, str]] = {
    "The message": {
        Code.UNDECODABLE: "The bytes are not one MessagePack map.",
        Code.UNKNOWN_TYPE: "No message has this `type` on this endpoint.",
        Code.UNSUPPORTED_VERSION: "The `version` is newer than this gateway: upgrade the gateway.",
        Code.MALFORMED: "A field is missing, of the wrong type, or not one of the words allowed.",
        Code.TOO_LARGE: "The message has more bytes than are taken on this endpoint.",
    },
    "What it names": {
        Code.BAD_ORDER_ID: "`order_id` is not a UUIDv8 in lower case, or `venue_order_id` is not a "
        "printable name.",
        Code.FOREIGN_ORDER_ID: "The id's tag is not this gateway's: make ids with the tag that the "
        "gateway was configured with.",
        Code.ORDER_ID_TOO_OLD: "The id was made before the dedupe horizon: make a new one.",
        Code.ORDER_ID_IN_FUTURE: "The id's time is ahead of the gateway's clock: compare the "
        "clocks.",
        Code.ORDER_ID_REUSED: "The id is another order's, with other content. That order is as it "
        "was.",
        Code.UNKNOWN_ACCOUNT: "The gateway has no account of this name, or the client does not "
        "follow it.",
        Code.UNKNOWN_SYMBOL: "The account's venue has no such market.",
        Code.UNKNOWN_ORDER: "The gateway knows no order with this id.",
        Code.UNKNOWN_CONSUMER: "No consumer of transactions has this name.",
        Code.UNKNOWN_ALARM: "No alarm has this id, or it has been let go of.",
        Code.WRONG_ACCOUNT: "The order is of another account or symbol than the message says.",
    },
    "Its figures": {
        Code.BAD_QUANTITY: "`quantity` is not a plain decimal above zero.",
        Code.BAD_PRICE: "`price` is not a plain decimal above zero.",
        Code.BAD_STOP_PRICE: "`stop_price` is not a plain decimal above zero.",
        Code.QUANTITY_PRECISION: "`quantity` is not a multiple of the market's step.",
        Code.PRICE_PRECISION: "`price` or `stop_price` is not a multiple of the market's step.",
        Code.QUANTITY_LIMIT: "`quantity` is outside the market's limits.",
        Code.PRICE_LIMIT: "`price` or `stop_price` is outside the market's limits.",
        Code.VALUE_LIMIT: "Quantity times price is outside the market's limits.",
        Code.BAD_COMBINATION: "The fields do not go together, or not at this venue: see "
        "the combinations below.",
    },
    "Its time": {
        Code.EXPIRED: "`expires_at` passed before it could be sent. Nothing was sent.",
        Code.EXPIRES_TOO_LATE: "`expires_at` is further off than the gateway allows.",
    },
    "The order's state": {
        Code.ALREADY_CLOSED: "The order is closed already.",
        Code.CANCELED_BEFORE_SENT: "A cancel came before the order was sent. It never was.",
        Code.REPLACE_PENDING: "An earlier amend of the order is still pending.",
        Code.AMEND_UNSUPPORTED: "The venue can't amend an order in place.",
        Code.NOT_IN_DOUBT: "Only an order in doubt can be resolved.",
    },
    "The gateway's state": {
        Code.NOT_READY: "The process waits for what it needs; health says for what.",
        Code.HALTED: "New orders and amends are halted until somebody resumes; cancels go on.",
        Code.JOURNAL_FULL: "The journal is at its bound or the disk is full; cancels go on.",
        Code.JOURNAL_FAILED: "The journal could not be written.",
        Code.JOURNAL_LOST: "The journal's folder is not the one that was opened.",
        Code.JOURNAL_CLOSED: "The journal is closed: the process is ending.",
        Code.RECORDS_GONE: "The journal's records asked for have been dropped.",
        Code.STORE_DOWN: "The database can't be reached.",
        Code.BUSY: "Too much is under way: try again later.",
        Code.TOO_MANY: "More was asked for at once than is allowed.",
        Code.TIMED_OUT: "There was no answer in time. What was asked may have been done.",
        Code.NOT_KEPT: "What was asked for is no longer kept.",
        Code.INTERNAL: "A bug of the gateway. The log tells more.",
    },
    "The venue's answer": {
        Code.VENUE_REFUSED: "The venue refused, for a reason that has no code of its own here.",
        Code.VENUE_FUNDS: "The venue says that the account's funds do not suffice.",
        Code.VENUE_FILTER: "The venue says that a figure breaks a rule of the market.",
        Code.VENUE_WOULD_MATCH: "A post-only order would have traded at once.",
        Code.VENUE_AUTH: "The venue does not accept the key, its rights, or the signature.",
        Code.VENUE_RATE_LIMIT: "The venue's rate limit is reached; the request was refused.",
        Code.VENUE_CLOCK: "The venue says that the request's time is too far from its own.",
        Code.VENUE_ORDER_NOT_FOUND: "The venue knows no such order. That alone decides nothing.",
        Code.VENUE_UNREACHABLE: "No connection to the venue: not a byte was sent.",
        Code.VENUE_QUERY_FAILED: "A question to the venue failed. It is evidence of nothing.",
        Code.NOT_RECEIVED: "By evidence: the venue never received the order. A later sign of it "
        "revokes this.",
        Code.RESOLVED: "An operator ended the order's doubt.",
    },
    "Configuration": {
        Code.CONFIG: "The configuration is wrong; the process does not start.",
    },
}

_COMBINATIONS = """\
## Combinations

| `order_type` | `price` | `stop_price` | `time_in_force` | `post_only` |
|---|---|---|---|---|
| `limit` | needed | none | `gtc`, `ioc`, `fok` | with `gtc` only |
| `market` | none | none | none: leave the default | no |
| `stop_limit` | needed | needed | `gtc`, `ioc`, `fok` | no |

An amend names a new quantity, a new price, or both. A cancel of an order that is not the gateway's
names its `venue_order_id`.
"""


def codes_page() -> str:
    """`docs/codes.md`."""
    return "".join(f"{line}\n" for line in _lines()) + "\n" + _COMBINATIONS


def _lines() -> Iterator[str]:
    yield "# Codes"
    yield ""
    yield "Every refusal and every error carries one of these codes and a sentence of its own."
    yield "Generated from `gateway/domain/codes.py`."
    for title, sentences in SENTENCES.items():
        yield from ("", f"## {title}", "", "| code | meaning |", "|---|---|")
        yield from (f"| `{code}` | {text} |" for code, text in sentences.items())
    yield from ("", "## Alarms", "", "What a person should see, and acknowledge.")
    for title, kinds in KINDS.items():
        yield from ("", f"### {title}", "", "| kind | meaning |", "|---|---|")
        yield from (f"| `{kind}` | {text} |" for kind, text in kinds.items())
