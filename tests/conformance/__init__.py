"""Answers Kubernetes' own autoscaling cases with the engine that runs in production."""
