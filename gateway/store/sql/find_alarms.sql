-- Alarms, newest first; without an account those of all.
select message from alarms
where %(account)s::text is null or account = %(account)s
order by at_ns desc, digest
limit %(limit)s
