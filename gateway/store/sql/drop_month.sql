-- Lets go of a month of order events.
select drop_order_events_month(%(month)s)
