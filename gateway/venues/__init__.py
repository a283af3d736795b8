"""Exchange venues through ccxt: one implementation, and what differs by venue as data."""
