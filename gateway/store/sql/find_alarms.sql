-- Alarms, newest first; without an account those of all. `open`: that nobody has acknowledged.
select message, acknowledged_at_ns, acknowledged_by, acknowledged_text from alarms
where (%(account)s::text is null or account = %(account)s)
  and (not %(open)s or acknowledged_at_ns is null)
order by at_ns desc, digest
limit %(limit)s
