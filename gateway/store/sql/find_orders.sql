-- A page of orders, newest first; a filter that is null lets all through.
select state from orders
where (%(account)s::text is null or account = %(account)s)
  and (%(symbol)s::text is null or symbol = %(symbol)s)
  and (%(owner)s::text is null or client_id = %(owner)s)
  and (%(statuses)s::text[] is null or status = any(%(statuses)s))
  and (%(since)s::bigint is null or created_at_ns >= %(since)s)
  and (%(until)s::bigint is null or created_at_ns < %(until)s)
  and (%(after_created_at)s::bigint is null
       or (created_at_ns, order_id) < (%(after_created_at)s, %(after_order_id)s::uuid))
order by created_at_ns desc, order_id desc
limit %(limit)s
