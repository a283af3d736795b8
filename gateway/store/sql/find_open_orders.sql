-- Orders of some accounts that were open when last heard of, oldest first.
select state from orders
where status in ('pending_new', 'new', 'partially_filled', 'in_doubt')
    and account = any(%(accounts)s)
order by created_at_ns, order_id
limit %(limit)s
