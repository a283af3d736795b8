-- Old refusals.
delete from refusals where digest in (
    select digest from refusals where at_ns < %(before)s order by at_ns limit %(limit)s
)
