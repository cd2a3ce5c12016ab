"""Planted bugs. The share of them that the simulation finds says what its silence is worth."""
