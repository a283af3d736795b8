-- Refusals of a batch; one that is there already stays as it is.
insert into refusals
    (digest, at_ns, client_id, command_id, code, text, order_id, account, message)
select digest, at_ns, client_id, command_id, code, text, order_id, account, message
from json_populate_recordset(null::refusals, %(rows)s)
on conflict do nothing
