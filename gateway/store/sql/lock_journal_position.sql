-- One writer of a journal at a time, also when an earlier write is still ending in the server.
insert into journal_positions (journal, upto, mark) values (%(journal)s, 0, '')
on conflict (journal) do update set upto = journal_positions.upto
