-- Old transactions of orders that have been let go of, as far as each consumer has acknowledged
-- them. While there is the order its trades must be recognised when they are told again.
delete from transactions where (account, seq, epoch) in (
    select account, seq, epoch from transactions as old
    where at_ns < %(before)s
      and not exists (select from orders where orders.order_id = old.order_id)
      and not exists (select from consumers
                      where consumers.account = old.account and consumers.seq < old.seq)
    limit %(limit)s
)
