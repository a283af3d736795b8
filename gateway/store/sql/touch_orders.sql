-- Orders that were asked about and had not changed; one that is not here yet is taken in whole.
-- The two times of one order never go back, so a check that comes again after later ones, or
-- after later updates, changes nothing.
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
    checked_at_ns = excluded.checked_at_ns, seen_at_ns = excluded.seen_at_ns,
    state = excluded.state
where (orders.checked_at_ns, orders.seen_at_ns) < (excluded.checked_at_ns, excluded.seen_at_ns)
