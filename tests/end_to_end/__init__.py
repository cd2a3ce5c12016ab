"""The daemon as a process, over real brokers: what its users see of it."""
