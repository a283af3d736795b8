-- Old order events that are in no month's partition.
delete from order_events_default where ctid = any(array(
    select ctid from order_events_default where at_ns < %(before)s limit %(limit)s
))
