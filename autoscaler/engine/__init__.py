"""PURE: from snapshot and history to decision and plan."""
