"""PURE: rules from a fleet's snapshot to a replica count."""
