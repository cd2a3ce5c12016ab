"""As whom to log in, and where to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Login:
    """kubeconfig None: by the service account of the pod that we run in. context None: its own."""

    kubeconfig: Path | None = None
    context: str | None = None

    def __str__(self) -> str:
        """For people."""
        return str(self.kubeconfig) if self.kubeconfig else "the pod's service account"
