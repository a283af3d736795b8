-- Alarms of a batch; one that is there already stays as it is.
insert into alarms (digest, at_ns, kind, text, account, order_id, message)
select digest, at_ns, kind, text, account, order_id, message
from json_populate_recordset(null::alarms, %(rows)s)
on conflict do nothing
