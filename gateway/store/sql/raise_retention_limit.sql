-- Says that what is older may be gone from here on; never falls.
insert into retention_limits (what, before_ns) values (%(what)s, %(before)s)
on conflict (what) do update set
    before_ns = greatest(retention_limits.before_ns, excluded.before_ns)
