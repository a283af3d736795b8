"""The whole gateway in one process on virtual time, from one seed, with every fault.

`python -m gateway.sim --seeds 100` runs it. A world (`world`) holds the real components, started
and killed as processes (`process`, `parts`), the wires between them (`network`), their clocks
(`clock`), the paper venue's core (`exchange`, `venue`), trading programs (`trader`) and
accountants (`consumer`). What is left at the end is written down as plain records (`evidence`) and
judged by `checker`, which knows nothing of the gateway's logic.
"""
