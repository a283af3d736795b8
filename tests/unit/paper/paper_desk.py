"""A venue with two accounts and no background liquidity, and short ways to trade on it."""

from decimal import Decimal

from gateway.paper import Execution, Fees, NewOrder, PaperVenue, Placed, Symbol, symbol

BTC = "BTCUSDT"
SYMBOLS = (symbol("BTC/USDT", "0.01", "0.00001", "100", min_notional="5", max_orders=3),)
RATE = Decimal("0.001")


def dec(value: str | int) -> Decimal:
    return Decimal(value)


class Desk:
    """Accounts `ann` and `bob`, 10 BTC and 10000 USDT each; time moves 1 ns a call."""

    def __init__(self, symbols: tuple[Symbol, ...] = SYMBOLS, fees: Fees | None = None) -> None:
        self.venue = PaperVenue(symbols)
        self.now = 0
        for name in ("ann", "bob"):
            balances = {"BTC": dec(10), "USDT": dec(10000)}
            self.venue.open_account(name, balances, self.tick(), fees or Fees())

    def tick(self) -> int:
        self.now += 1
        return self.now

    def place(
        self,
        account: str,
        side: str,
        quantity: str,
        price: str,
        *,
        tif: str = "GTC",
        kind: str = "LIMIT",
        client_id: str = "",
        stop: str = "0",
        stp: str = "",
    ) -> Placed:
        new = NewOrder(
            BTC,
            side,
            kind,
            dec(quantity),
            dec(price),
            tif if kind in {"LIMIT", "STOP_LOSS_LIMIT"} else "",
            client_id,
            stop_price=dec(stop),
            self_trade_prevention=stp,
        )
        return self.venue.place(account, new, self.tick())

    def market(self, account: str, side: str, quantity: str = "0", quote: str = "0") -> Placed:
        new = NewOrder(BTC, side, "MARKET", dec(quantity), quote_quantity=dec(quote))
        return self.venue.place(account, new, self.tick())

    def held(self, account: str, asset: str) -> tuple[Decimal, Decimal]:
        balance = self.venue.balances(account)[asset]
        return balance.free, balance.locked

    def status(self, account: str, order_id: int) -> str:
        return self.venue.order(account, BTC, order_id=order_id).status

    def kinds(self, account: str) -> list[tuple[int, str, str]]:
        """Order id, execution kind and status of every change of the account's orders."""
        return [
            (e.order.order_id, e.kind, e.order.status)
            for e in self.venue.record.entries()
            if isinstance(e, Execution) and e.account == account
        ]
