-- The newest updates of one order, newest first.
select message from order_events where order_id = %(order_id)s
order by epoch desc, seq desc
limit %(limit)s
