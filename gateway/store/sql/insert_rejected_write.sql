-- Keeps what the schema refused; a row comes back only the first time.
insert into rejected_writes (digest, journal, upto, what, error, record)
values (%(digest)s, %(journal)s, %(upto)s, %(what)s, %(error)s, %(record)s)
on conflict do nothing
returning 1
