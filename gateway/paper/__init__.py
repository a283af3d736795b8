"""An exchange simulator: a matching engine, its record, its faults, and Binance's wire protocol.

It imports nothing else of this project, so that it can be the judge of the rest. What is exported
here is the pure core; the server is in `gateway.paper.server`.
"""

from gateway.paper.accounts import Balance, Fees
from gateway.paper.core import ALLOW_FAILURE, STOP_ON_FAILURE, PaperVenue
from gateway.paper.entries import (
    AssetBalance,
    Deposit,
    Entry,
    Event,
    Execution,
    FaultHit,
    Outcome,
    Position,
    Request,
)
from gateway.paper.errors import VenueError
from gateway.paper.faults import Fault, FaultKind, FaultPlan
from gateway.paper.history import History
from gateway.paper.liquidity import Liquidity, MarketMaker, default_liquidity
from gateway.paper.orders import NewOrder, Order, Trade
from gateway.paper.record import Record
from gateway.paper.results import Amended, Canceled, Placed, Replaced
from gateway.paper.symbols import DEFAULT_SYMBOLS, PercentPrice, Symbol, symbol

__all__ = [
    "ALLOW_FAILURE",
    "DEFAULT_SYMBOLS",
    "STOP_ON_FAILURE",
    "Amended",
    "AssetBalance",
    "Balance",
    "Canceled",
    "Deposit",
    "Entry",
    "Event",
    "Execution",
    "Fault",
    "FaultHit",
    "FaultKind",
    "FaultPlan",
    "Fees",
    "History",
    "Liquidity",
    "MarketMaker",
    "NewOrder",
    "Order",
    "Outcome",
    "PaperVenue",
    "PercentPrice",
    "Placed",
    "Position",
    "Record",
    "Replaced",
    "Request",
    "Symbol",
    "Trade",
    "VenueError",
    "default_liquidity",
    "symbol",
]
