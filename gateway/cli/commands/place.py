"""`gateway place`."""

from dataclasses import dataclass
from typing import Any

import click
import msgspec

from gateway.cli.accounts import ACCOUNT
from gateway.cli.command import Command
from gateway.cli.exits import OutcomeNotKnown
from gateway.cli.printing import as_json, order_line, show
from gateway.cli.progress import progress
from gateway.cli.reach import CLIENT_ID, following
from gateway.cli.setting import Setting
from gateway.client import Client, Refused
from gateway.client.state import Until
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Side, TimeInForce
from gateway.domain.errors import GatewayError, TimedOut
from gateway.domain.identity import is_order_id
from gateway.domain.order import Order
from gateway.system import SystemClock

SECOND = 1_000_000_000
EXAMPLES = """
gateway place main BTC/USDT buy 0.01 --price 20000
gateway place main BTC/USDT sell 0.01 --price 90000 --post-only
gateway place main BTC/USDT buy 0.002 --market --until closed
gateway place main BTC/USDT buy 0.01 --price 20000 --tif ioc --json
gateway place main BTC/USDT sell 0.01 --stop-price 19000 --price 18900
"""


@click.command("place", cls=Command, examples=EXAMPLES)
@click.argument("account", type=ACCOUNT)
@click.argument("symbol")
@click.argument("side", type=click.Choice([side.value for side in Side]))
@click.argument("quantity")
@click.option("--price", help="The limit. Without it, say --market.")
@click.option("--market", is_flag=True, help="At whatever price there is.")
@click.option("--stop-price", help="With --price: a stop-limit order.")
@click.option("--tif", type=click.Choice([one.value for one in TimeInForce]), default="gtc")
@click.option("--post-only", is_flag=True, help="Refused rather than traded at once.")
@click.option("--order-id", help="Your own id for it. The same place sent twice is one order.")
@click.option("--client", default=CLIENT_ID, show_default=True, help="Whose order it is.")
@click.option("--expires", default=2.0, show_default=True, help="Seconds to reach the venue in.")
@click.option(
    "--until",
    type=click.Choice(["known", "accepted", "closed"]),
    default="accepted",
    show_default=True,
    help="What to wait for.",
)
@click.option("--no-wait", is_flag=True, help="Print the id as soon as it is sent.")
@click.option("--timeout", default=15.0, show_default=True, help="Seconds to wait.")
@click.option("--quiet", "-q", is_flag=True, help="Print the order's id only.")
@click.pass_obj
def command(setting: Setting, /, **given: Any) -> None:
    """Place an order on ACCOUNT, and wait for its first state.

    Its id is printed whatever comes of it. Exit code 3: it may be live; look with `gateway order
    ID`, or send the same place again with `--order-id ID`, which can't double it.
    """
    wanted = Wanted(**given)
    order_type = wanted.order_type
    with following(setting, wanted.client, (wanted.account,)) as client:
        place = wanted.place(client, order_type)
        try:
            order = _placed(client, place, wanted)
        except Refused as refused:
            _tell(setting, wanted, place.order_id, None, refused)
            raise
        _tell(setting, wanted, place.order_id, order)
    if order is not None:
        _judge(order)
    if order is None and not wanted.no_wait:
        text = f"order {place.order_id}: nothing was heard of it in {wanted.timeout:g} s"
        raise OutcomeNotKnown(f"{text}; it may be live")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says, word for word."""

    account: str
    symbol: str
    side: str
    quantity: str
    price: str | None
    market: bool
    stop_price: str | None
    tif: str
    post_only: bool
    order_id: str | None
    client: str
    expires: float
    until: Until
    no_wait: bool
    timeout: float
    quiet: bool

    @property
    def order_type(self) -> str:
        """A market order is never what a forgotten price becomes."""
        if self.market and (self.price or self.stop_price):
            raise click.UsageError("--market goes without --price and --stop-price")
        if not self.market and not self.price:
            raise click.UsageError("give --price, or say --market")
        if self.order_id is not None and not is_order_id(self.order_id):
            raise click.UsageError("--order-id is not a UUIDv8 as the gateway makes them")
        if self.market:
            return "market"
        return "stop_limit" if self.stop_price else "limit"

    def place(self, client: Client, order_type: str) -> m.Place:
        place = client.protocol.new_place(
            self.account, self.symbol, self.side, order_type, self.quantity,
            price=self.price, stop_price=self.stop_price, time_in_force=self.tif,
            post_only=self.post_only, expires_at=SystemClock().now() + int(self.expires * SECOND),
        )  # fmt: skip
        return (
            place
            if self.order_id is None
            else msgspec.structs.replace(place, order_id=self.order_id)
        )


def _placed(client: Client, place: m.Place, wanted: Wanted) -> Order | None:
    """None: nothing is known of it, as nobody waited, or in time."""
    order_id = client.protocol.place(place)
    if wanted.no_wait:
        return None
    try:
        with progress(f"waiting until it is {wanted.until} ..."):
            return client.wait(order_id, until=wanted.until, timeout=wanted.timeout)
    except TimedOut:
        followed = client.protocol.followed(order_id)
        return None if followed is None else followed.order


def _tell(
    setting: Setting,
    wanted: Wanted,
    order_id: str,
    order: Order | None,
    refused: Refused | None = None,
) -> None:
    if setting.as_json:
        refusal = None if refused is None else refused.refusal
        as_json({"order_id": order_id, "order": order, "refusal": refusal})
    elif wanted.quiet or order is None:
        click.echo(order_id)
    else:
        show(order_line(order))


def _judge(order: Order) -> None:
    """Raises if the order is not what was asked for, or may be and is not known to be."""
    if order.status is OrderStatus.REJECTED:
        raise GatewayError(f"the order was rejected: {order.reason}", order.reason_code)
    if order.status in (OrderStatus.IN_DOUBT, OrderStatus.PENDING_NEW):
        text = f"order {order.order_id} is {order.status}"
        raise OutcomeNotKnown(f"{text}: {order.doubt}" if order.doubt else text)
