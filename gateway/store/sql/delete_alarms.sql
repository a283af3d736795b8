-- Old alarms that somebody acknowledged.
delete from alarms where digest in (
    select digest from alarms where at_ns < %(before)s and acknowledged_at_ns is not null
    order by at_ns limit %(limit)s
)
