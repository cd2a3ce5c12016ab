"""PURE: rules from a tick to what is unhealthy."""
