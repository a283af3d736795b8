"""Transports: bytes from one component to another, over memory or ZeroMQ."""
