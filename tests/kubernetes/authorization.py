"""Who asks, by bearer token, and what their rules allow, as RBAC has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.kubernetes.calls import Call
from tests.kubernetes.refusals import Refused

ALL = ("*",)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a Role. resources: such as pods or deployments/scale. names (): all of them."""

    groups: Sequence[str]
    resources: Sequence[str]
    verbs: Sequence[str]
    names: Sequence[str] = ()

    def allows(self, call: Call) -> bool:
        return (
            _among(call.kind.group if call.kind else "", self.groups)
            and _among(call.resource, self.resources)
            and _among(call.verb, self.verbs)
            and (not self.names or call.object_name in self.names)
        )


ADMIN = (Rule(ALL, ALL, ALL),)


@dataclass(slots=True)
class Users:
    """Tokens and what they allow. Taking a token away makes requests with it fail with 401."""

    tokens: dict[str, Sequence[Rule]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def allow(self, token: str, *rules: Rule, name: str = "") -> None:
        """Let a token do what the rules say, or everything when there are none."""
        self.tokens[token] = rules or ADMIN
        self.names[token] = name or f"system:serviceaccount:airflow:{token}"

    def revoke(self, token: str) -> None:
        self.tokens.pop(token, None)

    def user(self, authorization: str) -> str:
        """Raises Refused (401)."""
        token = authorization.removeprefix("Bearer ")
        if not authorization.startswith("Bearer ") or token not in self.tokens:
            raise Refused(401, "Unauthorized")
        return self.names[token]

    def check(self, authorization: str, call: Call) -> None:
        """Raises Refused (401, 403)."""
        user = self.user(authorization)
        rules = self.tokens[authorization.removeprefix("Bearer ")]
        if call.kind is None or any(rule.allows(call) for rule in rules):
            return
        what = f'{call.kind.resource} "{call.name}"' if call.name else call.kind.resource
        where = (
            f' in the namespace "{call.namespace}"' if call.namespace else " at the cluster scope"
        )
        raise Refused(
            403,
            f'{what} is forbidden: User "{user}" cannot {call.verb} resource "{call.resource}" '
            f'in API group "{call.kind.group}"{where}',
        )


def _among(name: str, allowed: Sequence[str]) -> bool:
    return "*" in allowed or name in allowed
