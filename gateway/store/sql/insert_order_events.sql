-- Order updates of a batch; one that is there already stays as it is.
insert into order_events
    (account, seq, epoch, at_ns, order_id, status, cum_quantity, fact, source, message)
select account, seq, epoch, at_ns, order_id, status, cum_quantity, fact, source, message
from json_populate_recordset(null::order_events, %(rows)s)
on conflict do nothing
