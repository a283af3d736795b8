"""The real processes under real trouble: `python -m gateway.chaos`.

Everything runs as it would for a desk: the processes under supervisord, PostgreSQL, the unmodified
ccxt class, trading programs and accountants as programs of their own. A plan drawn from a seed then
breaks things, and when the dust has settled the checker of the simulation, which knows nothing of
the gateway's logic, compares what the venue, PostgreSQL and each program hold.
"""
