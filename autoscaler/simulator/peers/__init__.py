"""Rivals in the simulator: each decides as its public documentation says that it does."""
