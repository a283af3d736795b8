-- Orders that were checked and had not changed; one that is not here yet is taken in whole.
insert into orders
    (order_id, account, symbol, client_id, side, order_type, quantity, price, stop_price,
     time_in_force, post_only, origin, status, pending, trades_complete, cum_quantity, avg_price,
     venue_order_id, reason_code, reason, created_at_ns, changed_at_ns, checked_at_ns,
     closed_at_ns, epoch, seq, state)
select order_id, account, symbol, client_id, side, order_type, quantity, price, stop_price,
       time_in_force, post_only, origin, status, pending, trades_complete, cum_quantity, avg_price,
       venue_order_id, reason_code, reason, created_at_ns, changed_at_ns, checked_at_ns,
       closed_at_ns, epoch, seq, state
from json_populate_recordset(null::orders, %(rows)s)
on conflict (order_id) do update set checked_at_ns = excluded.checked_at_ns
where orders.checked_at_ns < excluded.checked_at_ns
