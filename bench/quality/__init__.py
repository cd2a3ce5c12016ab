"""Scaling quality: who starts in time, at what cost, with how many killed; ours beside rivals."""
