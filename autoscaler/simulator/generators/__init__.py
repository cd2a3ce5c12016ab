"""Traces made up from a seed, one generator for each class of work."""
