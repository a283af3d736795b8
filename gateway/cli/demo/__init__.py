"""The demonstration: real orders through all processes, then the books compared."""
