-- The lock of one account, for as long as this connection lives.
select pg_try_advisory_lock(%(lock)s)
