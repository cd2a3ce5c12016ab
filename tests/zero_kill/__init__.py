"""Nobody's task dies: real workers, a real daemon, real brokers, and what goes wrong with them."""
