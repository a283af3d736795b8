-- Ends a connection that is lost to us, if the server has not noticed: its locks go with it.
-- Waits for its end for at most five seconds.
select pg_terminate_backend(pid, 5000)
from pg_stat_activity
where pid = %(pid)s and backend_start = %(backend_start)s
