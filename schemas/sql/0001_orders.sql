-- Orders, every item of their streams, and how far the listener's journal has been written.
--
-- Times. A column `..._ns` is the truth: nanoseconds since the epoch, UTC. Its twin without the
-- suffix is the same moment for people, cut to PostgreSQL's microseconds; it is derived from the
-- first, so the two can't disagree.
--
-- Messages. `message` and `state` hold the MessagePack that was published, so that reading one
-- back gives exactly what was said. The other columns are derived from it, for SQL and for people.

create function utc(ns bigint) returns timestamptz
    language sql immutable strict parallel safe
    as $$ select to_timestamp(ns / 1000 / 1000000.0) $$;

create domain moment as bigint check (value >= 0);
-- NaN sorts above Infinity: the upper bounds keep out both.
create domain amount as numeric check (value >= 0 and value < 'Infinity');
create domain figure as numeric check (value > '-Infinity' and value < 'Infinity');
create domain order_status as text check (value in ('pending_new', 'new', 'partially_filled',
    'filled', 'canceled', 'rejected', 'expired', 'in_doubt'));
create domain order_side as text check (value in ('buy', 'sell'));
create domain fact_source as text check (value in ('answer', 'stream', 'query', 'sweep',
    'operator'));

-- The newest state of each order. (epoch, seq) are those of the update that it comes from; 0 for
-- an order of which the store never got one.
create table orders (
    order_id uuid primary key,
    account text not null,
    symbol text not null,
    client_id text not null,
    side order_side not null,
    order_type text not null check (order_type in ('limit', 'market', 'stop_limit')),
    quantity amount not null,
    price figure,
    stop_price figure,
    time_in_force text not null check (time_in_force in ('gtc', 'ioc', 'fok')),
    post_only boolean not null,
    origin text not null check (origin in ('own', 'recovered', 'external')),
    status order_status not null,
    pending text not null check (pending in ('none', 'cancel', 'replace')),
    trades_complete boolean not null,
    cum_quantity amount not null,
    avg_price figure,
    venue_order_id text,
    reason_code text,
    reason text not null,
    created_at_ns moment not null,
    changed_at_ns moment not null,
    checked_at_ns moment not null,
    seen_at_ns moment not null,
    closed_at_ns moment,
    created_at timestamptz not null generated always as (utc(created_at_ns)) stored,
    changed_at timestamptz not null generated always as (utc(changed_at_ns)) stored,
    checked_at timestamptz not null generated always as (utc(checked_at_ns)) stored,
    seen_at timestamptz not null generated always as (utc(seen_at_ns)) stored,
    closed_at timestamptz generated always as (utc(closed_at_ns)) stored,
    epoch bigint not null check (epoch >= 0),
    seq bigint not null check (seq >= 0),
    state bytea not null
);

create index orders_by_time on orders (created_at_ns desc, order_id desc);
create index orders_by_account on orders (account, created_at_ns desc, order_id desc);
create index orders_by_client on orders (client_id, created_at_ns desc, order_id desc);
create index orders_by_venue_id on orders (account, venue_order_id)
    where venue_order_id is not null;
create index orders_open on orders (created_at_ns, order_id)
    where status in ('pending_new', 'new', 'partially_filled', 'in_doubt');

-- Each order update of the streams. Partitioned by time, so that old months can be let go of
-- later; until there are months, all of it is in the default partition. A partitioned table's
-- key must hold the partition's column: that a number is not given twice within an epoch is
-- guarded by stream_positions, which every write locks.
create table order_events (
    account text not null,
    seq bigint not null check (seq > 0),
    epoch bigint not null check (epoch >= 0),
    at_ns moment not null,
    at timestamptz not null generated always as (utc(at_ns)) stored,
    order_id uuid not null,
    status order_status not null,
    cum_quantity amount not null,
    fact text not null,
    source text not null,
    message bytea not null,
    primary key (account, seq, epoch, at_ns)
) partition by range (at_ns);

create table order_events_default partition of order_events default;
create index order_events_by_order on order_events (order_id, epoch, seq);

-- Each transaction of the streams, kept for ever and so not partitioned: a trade key must be
-- unique over all time. `repeated`: the key had come before under another number; it was
-- published, so it is kept for replay, but it is not money a second time.
create table transactions (
    account text not null,
    seq bigint not null check (seq > 0),
    epoch bigint not null check (epoch >= 0),
    at_ns moment not null,
    at timestamptz not null generated always as (utc(at_ns)) stored,
    key text not null,
    repeated boolean not null,
    kind text not null check (kind in ('fill', 'correction', 'bust', 'fee')),
    order_id uuid not null,
    symbol text not null,
    client_id text not null,
    side order_side not null,
    quantity amount not null,
    price figure not null,
    fee figure,
    fee_currency text,
    liquidity text check (liquidity in ('maker', 'taker')),
    trade_id text,
    venue_order_id text,
    venue_time_ns moment not null,
    venue_time timestamptz not null generated always as (utc(venue_time_ns)) stored,
    recorded_at_ns moment not null,
    recorded_at timestamptz not null generated always as (utc(recorded_at_ns)) stored,
    source fact_source not null,
    message bytea not null,
    primary key (account, seq, epoch)
);

create unique index transactions_once on transactions (key) where not repeated;
create index transactions_by_order on transactions (order_id, epoch, seq);

-- Refusals and alarms have no number of their own: `digest`, of the message, makes them unique.
create table refusals (
    digest bytea primary key,
    at_ns moment not null,
    at timestamptz not null generated always as (utc(at_ns)) stored,
    client_id text not null,
    command_id text not null,
    code text not null,
    text text not null,
    order_id text not null,
    account text not null,
    message bytea not null
);

create index refusals_by_order on refusals (order_id, at_ns desc) where order_id <> '';
create index refusals_by_time on refusals (at_ns);

create table alarms (
    digest bytea primary key,
    at_ns moment not null,
    at timestamptz not null generated always as (utc(at_ns)) stored,
    kind text not null,
    text text not null,
    account text not null,
    order_id text,
    message bytea not null
);

create index alarms_by_time on alarms (at_ns desc, digest);
create index alarms_by_account on alarms (account, at_ns desc, digest);

-- How far each reader of an account's transactions has come.
create table consumers (
    account text not null,
    consumer text not null,
    seq bigint not null check (seq >= 0),
    moved_at timestamptz not null default now(),
    primary key (account, consumer)
);

-- How far each journal has been written. `mark` is the digest of the record `upto`: it tells
-- whether the journal still holds what was written from it, for its numbers can be given again
-- after a loss of power.
create table journal_positions (
    journal text primary key,
    upto bigint not null check (upto >= 0),
    mark bytea not null,
    written_at timestamptz not null default now()
);

create table stream_positions (
    account text primary key,
    epoch bigint not null check (epoch >= 0),
    seq bigint not null check (seq >= 0)
);

-- What this schema refused, as it came: nothing is lost, and what follows is not held up. Each
-- has an alarm.
create table rejected_writes (
    digest bytea primary key,
    rejected_at timestamptz not null default now(),
    journal text not null,
    upto bigint not null,
    what text not null,
    error text not null,
    record bytea not null
);
