-- Transactions of an account from a number on, each fact about money once.
select message from transactions
where account = %(account)s and seq >= %(from_seq)s and not repeated
order by seq, epoch
limit %(limit)s
