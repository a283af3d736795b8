-- Somebody has seen to an alarm. The first one's word stands.
update alarms set
    acknowledged_at_ns = coalesce(acknowledged_at_ns, %(at)s),
    acknowledged_by = coalesce(acknowledged_by, %(by)s),
    acknowledged_text = coalesce(acknowledged_text, %(text)s)
where digest = %(digest)s
returning message, acknowledged_at_ns, acknowledged_by, acknowledged_text
