"""Composition: the four components with their real surroundings, and the loop they run in."""
