"""Deterministic fault simulation: the real controller against a fake world, replayed by seed."""
