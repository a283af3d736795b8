-- The order of an account by our id, or else by the venue's; the newest, where a venue used an id
-- again.
select state from orders
where account = %(account)s
    and (order_id = %(order_id)s::uuid
        or (symbol = %(symbol)s and venue_order_id = %(venue_order_id)s))
order by order_id is not distinct from %(order_id)s::uuid desc, created_at_ns desc, order_id desc
limit 1
