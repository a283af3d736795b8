-- The order that a venue knows by this id; the newest, where a venue used an id again.
select state from orders
where account = %(account)s and venue_order_id = %(venue_order_id)s
order by created_at_ns desc, order_id desc
limit 1
