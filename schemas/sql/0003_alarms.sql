-- Alarms that somebody has seen to.
alter table alarms
    add column acknowledged_at_ns moment,
    add column acknowledged_at timestamptz
        generated always as (utc(acknowledged_at_ns)) stored,
    add column acknowledged_by text,
    add column acknowledged_text text,
    add check ((acknowledged_at_ns is null) = (acknowledged_by is null)),
    add check ((acknowledged_at_ns is null) = (acknowledged_text is null));

create index alarms_open on alarms (at_ns desc, digest) where acknowledged_at_ns is null;
