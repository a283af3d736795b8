-- One order, with the number of its last update.
select state, seq from orders where order_id = %(order_id)s
