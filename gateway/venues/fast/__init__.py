"""The fast lane: commands as prepared, signed requests on a warm socket of our own.

It takes what it is sure about and leaves the rest to ccxt's way, so nothing is refused here: an
odd order, a symbol that is not spot, a socket that is being dialled again. What leaves, and how
its answer is called, is the same on both ways; tests hold them against each other.
"""
