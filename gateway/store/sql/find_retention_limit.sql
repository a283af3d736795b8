-- Orders made before then, and refusals of them, may have been let go of.
select coalesce(max(before_ns), 0) from retention_limits
where what in ('closed_orders', 'refusals')
