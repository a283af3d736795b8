-- What the store has of these accounts' streams; they stay so until this write ends.
select account, epoch, seq from stream_positions
where account = any(%(accounts)s)
order by account
for update
