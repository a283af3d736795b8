-- The newest transactions of one order, newest first.
select message from transactions where order_id = %(order_id)s and not repeated
order by epoch desc, seq desc
limit %(limit)s
