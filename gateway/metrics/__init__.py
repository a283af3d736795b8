"""Metrics: what the components count and time, as Prometheus reads it, on a loopback port."""
