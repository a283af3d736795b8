-- Orders that were made and closed long ago, and of which all trades are known.
delete from orders where order_id in (
    select order_id from orders
    where created_at_ns < %(before)s and closed_at_ns < %(before)s and trades_complete
      and status in ('filled', 'canceled', 'rejected', 'expired')
    order by created_at_ns, order_id
    limit %(limit)s
)
