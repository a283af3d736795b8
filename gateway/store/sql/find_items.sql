-- Items of an account's stream, updates and transactions, in order of their numbers.
select message from (
    (select seq, epoch, message from order_events
     where account = %(account)s and seq between %(from_seq)s and %(to_seq)s
     order by seq, epoch
     limit %(limit)s)
    union all
    (select seq, epoch, message from transactions
     where account = %(account)s and seq between %(from_seq)s and %(to_seq)s
     order by seq, epoch
     limit %(limit)s)
) as items
order by seq, epoch
limit %(limit)s
