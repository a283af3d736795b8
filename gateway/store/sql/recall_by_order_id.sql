-- An order of an account by our id.
select state from orders
where account = %(account)s and order_id = %(order_id)s
