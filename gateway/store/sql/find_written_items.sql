-- The items that the store has under these numbers, to tell a repetition from a number reused.
select account, epoch, seq, message
from order_events
join json_populate_recordset(null::stream_positions, %(rows)s) using (account, epoch, seq)
union all
select account, epoch, seq, message
from transactions
join json_populate_recordset(null::stream_positions, %(rows)s) using (account, epoch, seq)
