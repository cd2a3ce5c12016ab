"""The Kubernetes API as the daemon speaks it: raw records in, documented requests out."""
