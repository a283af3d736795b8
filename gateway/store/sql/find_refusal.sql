-- The last refusal that names an order.
select message from refusals where order_id = %(order_id)s and order_id <> ''
order by at_ns desc, digest
limit 1
