"""Units that are processes of this machine: their records, and the rules they follow."""
