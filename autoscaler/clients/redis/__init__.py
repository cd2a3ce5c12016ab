"""Redis, Valkey and Sentinel: connections, and how queues are read."""
