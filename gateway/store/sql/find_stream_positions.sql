-- How far each account's stream has been written.
select account, epoch, seq from stream_positions order by account
