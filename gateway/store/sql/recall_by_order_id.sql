-- An order of an account by our id.
select state, checked_at_ns from orders
where account = %(account)s and order_id = %(order_id)s
