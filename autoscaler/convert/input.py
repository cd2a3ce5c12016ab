"""From the documents of all files to fleets, with every fault of all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from autoscaler.convert.chart import is_chart, read_chart
from autoscaler.convert.draft import Draft, Note, NoteKind, Origin, Sources, Spec, Variable
from autoscaler.convert.fields import Faults, Fields
from autoscaler.convert.hpa import read_hpa
from autoscaler.convert.scaled_object import read_scaled_object
from autoscaler.convert.trigger import Authentications, read_authentication
from autoscaler.convert.workload import fleet_name
from autoscaler.document import Document, compose_all
from autoscaler.errors import ConfigError

AUTHENTICATIONS = ("TriggerAuthentication", "ClusterTriggerAuthentication")
KINDS = ("HorizontalPodAutoscaler", "ScaledObject", *AUTHENTICATIONS)
_INSTEAD = {
    "ScaledJob": "it starts a job for each piece of work, and jobs are not replicas to scale",
    "VerticalPodAutoscaler": "it changes requests, and not the number of replicas",
}


@dataclass(frozen=True, slots=True)
class Text:
    """One input: its name in messages, and what is in it."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Translated:
    """One object and what became of it; without a fleet nothing of it could be translated."""

    origin: Origin
    fleet: Spec | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What the input amounts to."""

    sources: dict[str, Spec]
    variables: tuple[Variable, ...]
    objects: tuple[Translated, ...]

    @property
    def fleets(self) -> list[Spec]:
        """The fleets, in order."""
        return [each.fleet for each in self.objects if each.fleet is not None]

    def config(self) -> Spec:
        """As `autoscaler check` takes it, once there is a fleet."""
        sources = {"sources": self.sources} if self.sources else {}
        return {**sources, "fleets": self.fleets}


def convert(texts: Sequence[Text], namespace: str = "", release: str = "airflow") -> Conversion:
    """All that the texts hold. Raises ConfigError with one `file:line: path: message` each.

    namespace: of what names none. release: Airflow's Helm release, for values of its chart.
    """
    faults, sources = Faults(), Sources()
    objects = _without_kedas_own([*chain.from_iterable(_objects(text, faults) for text in texts)])
    faults.raise_any()
    authentications = _authentications(objects, namespace)
    drafts: list[Draft] = []
    for each in objects:
        kind = each.text("kind")
        if kind == "HorizontalPodAutoscaler":
            drafts.append(read_hpa(each, namespace, sources))
        elif kind == "ScaledObject":
            drafts.append(read_scaled_object(each, namespace, sources, authentications))
        elif is_chart(each):
            drafts += read_chart(each, namespace, release, sources)
    _refuse_twins(drafts, faults)
    faults.raise_any()
    return _assembled(drafts, sources)


def _objects(text: Text, faults: Faults) -> Iterator[Fields]:
    """Every object of a text; those in a List one by one."""
    try:
        documents = compose_all(text.content, text.name)
    except ConfigError as error:
        faults.add_all(error, text.name)
        return
    if not documents:
        faults.add(text.name, 1, "yaml", "there is nothing in it; give it a manifest")
    for document in documents:
        _keep_text_faults(document, faults)
        fields = Fields(document.root, text.name, "", faults)
        listed = fields.text("kind").endswith("List") and "items" in fields
        for each in fields.items("items") if listed else [fields]:
            if _acceptable(each):
                yield each


def _keep_text_faults(document: Document, faults: Faults) -> None:
    for fault in document.faults:
        path = ".".join(map(str, fault.location))
        faults.add(document.name, fault.line, path, fault.message)


def _acceptable(each: Fields) -> bool:
    kind = each.text("kind")
    if kind in KINDS or is_chart(each):
        return True
    known = ", ".join(KINDS)
    if not kind:
        message = f"is missing; what is read here: {known}, values of Airflow's chart"
    else:
        why = _INSTEAD.get(kind, "nothing of it says how to scale")
        message = f"{kind[:80]!r} cannot be converted: {why}; leave it out (read are: {known})"
    each.fault("kind", message)
    return False


def _without_kedas_own(objects: list[Fields]) -> list[Fields]:
    """Without the HPAs that KEDA makes for its ScaledObjects, which must be there instead."""
    scaled = {
        each.mapping("metadata").text("name")
        for each in objects
        if each.text("kind") == "ScaledObject"
    }
    kept = []
    for each in objects:
        owner = _owner(each) if each.text("kind") == "HorizontalPodAutoscaler" else ""
        if not owner:
            kept.append(each)
        elif owner not in scaled:
            message = f"belongs to KEDA's ScaledObject {owner!r}, which makes it; convert that"
            each.fault("metadata", message)
    return kept


def _owner(hpa: Fields) -> str:
    owners = hpa.mapping("metadata").items("ownerReferences")
    names = [owner.text("name") for owner in owners if owner.text("kind") == "ScaledObject"]
    return names[0] if names else ""


def _authentications(objects: Sequence[Fields], namespace: str) -> Authentications:
    found = {}
    for each in objects:
        kind, metadata = each.text("kind"), each.mapping("metadata")
        if kind in AUTHENTICATIONS:
            place = "" if kind.startswith("Cluster") else metadata.text("namespace") or namespace
            found[place, metadata.required("name", "airflow-redis")] = read_authentication(each)
    return Authentications(found)


def _refuse_twins(drafts: Sequence[Draft], faults: Faults) -> None:
    """Two that scale the same workload would fight; fleets of one name get their namespace's."""
    first: dict[str, Draft] = {}
    names: set[str] = set()
    for draft in drafts:
        twin = first.setdefault(str(draft.target), draft)
        if twin is not draft:
            message = f"scales what {twin.origin} scales already; only one of them can be right"
            faults.add(draft.origin.file, draft.origin.line, "", message)
        draft.name = _free_name(draft, names)
        names.add(draft.name)


def _free_name(draft: Draft, taken: set[str]) -> str:
    """The fleet's name; with its namespace, and then a number, where others have it."""
    name, number = draft.name, 2
    if name in taken:
        name = fleet_name(f"{draft.target['namespace']}-{name}")
    spaced = name
    while name in taken:
        name, number = fleet_name(f"{number}-{spaced}"), number + 1
    return name


def _note_missing_broker(drafts: Sequence[Draft], sources: Sources) -> None:
    """Airflow's database tells demand, and not which broker it is."""
    if any(name.startswith("broker") for name in sources.specs):
        return
    message = (
        "add the broker to the sources, `broker: {kind: redis_broker, url: {env: "
        "AUTOSCALER_BROKER_URL}}` or rabbitmq_broker, so that its outages and backlog are seen"
    )
    for draft in [draft for draft in drafts if draft.airflow][:1]:
        draft.note(NoteKind.TO_DO, "", draft.origin.line, message)


def _assembled(drafts: Sequence[Draft], sources: Sources) -> Conversion:
    """The fleets with what they need of each other: whose demand counts, who serves what."""
    with_airflow = "airflow" in sources.specs
    served: dict[str, Draft] = {}
    objects = []
    _note_missing_broker(drafts, sources)
    for draft in drafts:
        for queue in [
            queue for queue in draft.queues if served.setdefault(queue, draft) is not draft
        ]:
            draft.queues.remove(queue)
            message = (
                f"queue {queue!r} is served by fleet {served[queue].name}; only one can have it"
            )
            draft.note(NoteKind.LOST, "", draft.origin.line, message)
        demand = "broker" if with_airflow and draft.queues and not draft.airflow else None
        fleet = draft.fleet(demand=demand) if draft.policies else None
        objects.append(Translated(draft.origin, fleet, tuple(draft.notes)))
    return Conversion(sources.finished(), tuple(sources.variables.values()), tuple(objects))
