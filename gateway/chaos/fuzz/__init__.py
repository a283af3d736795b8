"""What comes in, made up and spoilt: `python -m gateway.chaos.fuzz`.

Each target takes one spoilt input and raises if something happened that must not: any other error
than the gateway's own, a message that is not what was written, a figure that is none.
"""
