-- Transactions of a batch; tells which of them repeat the key of an earlier one.
insert into transactions
    (account, seq, epoch, at_ns, key, repeated, kind, order_id, symbol, client_id, side, quantity,
     price, fee, fee_currency, liquidity, trade_id, venue_order_id, venue_time_ns, recorded_at_ns,
     source, message)
select account, seq, epoch, at_ns, key,
       row_number() over (partition by key order by epoch, seq) > 1
           or exists (select from transactions as earlier
                      where earlier.key = new.key and not earlier.repeated
                        and (earlier.account, earlier.seq, earlier.epoch)
                            <> (new.account, new.seq, new.epoch)),
       kind, order_id, symbol, client_id, side, quantity, price, fee, fee_currency, liquidity,
       trade_id, venue_order_id, venue_time_ns, recorded_at_ns, source, message
from json_populate_recordset(null::transactions, %(rows)s) as new
on conflict (account, seq, epoch) do nothing
returning case when repeated then message end
