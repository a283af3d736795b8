"""The order gateway's vocabulary and rules: pure, no I/O, no clock, no environment."""
