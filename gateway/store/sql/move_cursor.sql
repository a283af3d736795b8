-- Moves a consumer's cursor on, never back; tells where it is.
insert into consumers as known (account, consumer, seq)
values (%(account)s, %(consumer)s, %(seq)s)
on conflict (account, consumer) do update set
    seq = greatest(known.seq, excluded.seq),
    moved_at = case when known.seq < excluded.seq then now() else known.moved_at end
returning seq
