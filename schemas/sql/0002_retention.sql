-- Letting go of what is old: months of order events as partitions, and what has been let go of.

-- Up to when something may be gone. Who asks for an order made before then, and gets none, can't be
-- told that there never was one.
create table retention_limits (
    what text primary key,
    before_ns moment not null,
    before timestamptz not null generated always as (utc(before_ns)) stored
);

-- What is in no month's partition is in the default one, and goes from there row by row.
create index order_events_default_by_time on order_events_default (at_ns);

-- Transactions come in order of time, so that a few pages of an index are enough to find old ones.
create index transactions_by_time on transactions using brin (at_ns);

create function nanoseconds(at timestamptz) returns bigint
    language sql immutable strict parallel safe
    as $$ select (extract(epoch from at) * 1000000000)::bigint $$;

-- The months that have a partition, with their bounds.
create function order_events_months()
    returns table (name text, first_ns bigint, end_ns bigint)
    language sql stable as $$
    select relname::text, nanoseconds(first at time zone 'UTC'),
           nanoseconds((first + interval '1 month') at time zone 'UTC')
    from pg_inherits
    join pg_class on pg_class.oid = inhrelid
    cross join substring(relname from '^order_events_(\d{4})_\d\d$') as year
    cross join substring(relname from '^order_events_\d{4}_(\d\d)$') as month
    cross join make_timestamp(year::integer, month::integer, 1, 0, 0, 0) as first
    where inhparent = 'order_events'::regclass and first is not null
$$;

-- Makes the partition of the month that `at_ns` is in; its name, or null if there is one, or if
-- the default partition has rows of that month already. Attaching, unlike creating a partition in
-- place, does not keep others from reading and writing.
create function make_order_events_month(at_ns bigint) returns text
    language plpgsql as $$
declare
    first timestamp := date_trunc('month', utc(at_ns) at time zone 'UTC');
    first_ns bigint := nanoseconds(first at time zone 'UTC');
    end_ns bigint := nanoseconds((first + interval '1 month') at time zone 'UTC');
    month text := 'order_events_' || to_char(first, 'YYYY_MM');
begin
    if exists (select from order_events_months() where name = month) then
        return null;
    end if;
    if exists (select from order_events_default e where e.at_ns >= first_ns and e.at_ns < end_ns)
    then
        return null;
    end if;
    execute format('create table %I (like order_events including all)', month);
    execute format('alter table order_events attach partition %I for values from (%s) to (%s)',
                   month, first_ns, end_ns);
    return month;
end $$;

create function drop_order_events_month(month text) returns void
    language plpgsql as $$
begin
    if not exists (select from order_events_months() where name = month) then
        raise 'order_events has no month %', month;
    end if;
    execute format('alter table order_events detach partition %I', month);
    execute format('drop table %I', month);
end $$;

select make_order_events_month(nanoseconds(now()));
select make_order_events_month(nanoseconds(date_trunc('month', now(), 'UTC') + interval '45 days'));
