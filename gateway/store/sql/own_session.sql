-- What tells this connection from any other, earlier or later.
select pid, backend_start from pg_stat_activity where pid = pg_backend_pid()
