-- One order, with the number of its last update.
select state, checked_at_ns, seq from orders where order_id = %(order_id)s
