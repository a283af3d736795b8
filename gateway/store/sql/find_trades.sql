-- What must be remembered of the transactions of these orders.
select order_id::text, key, kind, price, quantity, fee is not null
from transactions
where order_id = any(%(order_ids)s::uuid[])
order by epoch, seq
