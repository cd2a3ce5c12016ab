"""What plugins of different kinds share; no decisions."""
