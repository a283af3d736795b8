-- Which of these alarms are stored, whatever became of them.
select encode(digest, 'hex') from alarms where digest = any(%(digests)s)
