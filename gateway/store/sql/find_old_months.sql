-- The months of order events that have ended before `before`.
select name from order_events_months() where end_ns <= %(before)s order by name
