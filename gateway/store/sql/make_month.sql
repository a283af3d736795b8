-- Sees to it that there is a partition for the month of `at`; the name of one that was made.
select make_order_events_month(%(at)s)
