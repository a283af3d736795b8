-- The state of each order after its newest update in a batch; an older one changes nothing.
insert into orders
    (order_id, account, symbol, client_id, side, order_type, quantity, price, stop_price,
     time_in_force, post_only, origin, status, pending, trades_complete, cum_quantity, avg_price,
     venue_order_id, reason_code, reason, created_at_ns, changed_at_ns, checked_at_ns,
     seen_at_ns, closed_at_ns, epoch, seq, state)
select order_id, account, symbol, client_id, side, order_type, quantity, price, stop_price,
       time_in_force, post_only, origin, status, pending, trades_complete, cum_quantity, avg_price,
       venue_order_id, reason_code, reason, created_at_ns, changed_at_ns, checked_at_ns,
       seen_at_ns, closed_at_ns, epoch, seq, state
from json_populate_recordset(null::orders, %(rows)s)
on conflict (order_id) do update set
    account = excluded.account, symbol = excluded.symbol, client_id = excluded.client_id,
    side = excluded.side, order_type = excluded.order_type, quantity = excluded.quantity,
    price = excluded.price, stop_price = excluded.stop_price,
    time_in_force = excluded.time_in_force, post_only = excluded.post_only,
    origin = excluded.origin, status = excluded.status, pending = excluded.pending,
    trades_complete = excluded.trades_complete, cum_quantity = excluded.cum_quantity,
    avg_price = excluded.avg_price, venue_order_id = excluded.venue_order_id,
    reason_code = excluded.reason_code, reason = excluded.reason,
    created_at_ns = excluded.created_at_ns, changed_at_ns = excluded.changed_at_ns,
    checked_at_ns = excluded.checked_at_ns, seen_at_ns = excluded.seen_at_ns,
    closed_at_ns = excluded.closed_at_ns,
    epoch = excluded.epoch, seq = excluded.seq, state = excluded.state
where (orders.epoch, orders.seq) < (excluded.epoch, excluded.seq)
