"""What a paper venue is made of: embedded defaults, or a TOML file that misspells nothing."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import msgspec

from gateway.paper.accounts import Fees
from gateway.paper.faults import Fault
from gateway.paper.liquidity import Liquidity, default_liquidity
from gateway.paper.record import MAX_ENTRIES
from gateway.paper.record_file import MAX_BYTES
from gateway.paper.signing import Credential
from gateway.paper.symbols import DEFAULT_SYMBOLS, Symbol, symbol

DEFAULT_ACCOUNTS = ("main", "second")
_GENEROUS = {"USDT": Decimal(100_000_000), "BTC": Decimal(10_000), "ETH": Decimal(100_000)}
_GENEROUS_OTHERWISE = Decimal(1_000_000)


class AccountSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account. Without a key it is `paper-NAME` with the secret `paper-NAME-secret`."""

    name: str
    balances: dict[str, Decimal]
    key: str = ""
    secret: str = ""
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    fee_asset: str = ""
    fee_asset_prices: dict[str, Decimal] = {}

    def credential(self) -> Credential:
        return Credential(
            self.name,
            self.key or f"paper-{self.name}",
            self.secret or f"paper-{self.name}-secret",
        )

    def fees(self) -> Fees:
        return Fees(self.maker_fee, self.taker_fee, self.fee_asset, self.fee_asset_prices)


class SymbolSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A symbol by ccxt's name (`BTC/USDT`); how it is quoted if not by default."""

    name: str
    tick: str
    step: str
    start_price: str
    min_notional: str = "5"
    max_orders: int = 200
    liquidity: Liquidity | None = None

    def symbol(self) -> Symbol:
        return symbol(
            self.name, self.tick, self.step, self.start_price, self.min_notional, self.max_orders
        )


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything but where to listen. No accounts or symbols given: the embedded ones."""

    accounts: tuple[AccountSettings, ...] = ()
    symbols: tuple[SymbolSettings, ...] = ()
    faults: tuple[Fault, ...] = ()
    seed: int = 1
    state: Path | None = None
    state_max_bytes: int = MAX_BYTES
    record_max_entries: int = MAX_ENTRIES
    liquidity: bool = True
    liquidity_interval_ms: int = 200


def load(path: Path) -> Settings:
    """Raises msgspec.ValidationError for a key or value that has no meaning here."""
    return msgspec.convert(tomllib.loads(path.read_text()), Settings, strict=False)


def symbols_of(settings: Settings) -> tuple[Symbol, ...]:
    if not settings.symbols:
        return DEFAULT_SYMBOLS
    return tuple(each.symbol() for each in settings.symbols)


def liquidity_of(settings: Settings, of: Symbol) -> Liquidity:
    for each in settings.symbols:
        if each.name == of.unified and each.liquidity is not None:
            return each.liquidity
    return default_liquidity(of.quote)


def named_accounts(names: tuple[str, ...], symbols: tuple[Symbol, ...]) -> list[AccountSettings]:
    """Accounts with plenty of every asset that is traded."""
    assets = sorted({asset for each in symbols for asset in (each.base, each.quote)})
    plenty = {asset: _GENEROUS.get(asset, _GENEROUS_OTHERWISE) for asset in assets}
    return [AccountSettings(name, plenty) for name in names]


def accounts_of(settings: Settings) -> list[AccountSettings]:
    if settings.accounts:
        return list(settings.accounts)
    return named_accounts(DEFAULT_ACCOUNTS, symbols_of(settings))
