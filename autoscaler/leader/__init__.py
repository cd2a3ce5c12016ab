"""Who may act: one daemon at a time, in terms that only grow."""
