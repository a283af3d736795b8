-- The newest item of each account's stream; never back.
insert into stream_positions (account, epoch, seq)
select account, epoch, seq from json_populate_recordset(null::stream_positions, %(rows)s)
on conflict (account) do update set epoch = excluded.epoch, seq = excluded.seq
where (stream_positions.epoch, stream_positions.seq) < (excluded.epoch, excluded.seq)
