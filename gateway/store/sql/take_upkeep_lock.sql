-- One at a time looks after a database; false: somebody does.
select pg_try_advisory_lock(%(lock)s)
