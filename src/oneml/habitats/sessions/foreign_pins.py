"""Code that only workers have: the first worker of a session writes down what it found, and that holds for all."""

from oneml.habitats.habitats.foreign_code import pin_drifts, target_digests
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.plan_shards import NodeRecord
from oneml.habitats.sessions.recipe import DOCUMENT_MAX_BYTES
from oneml.habitats.sessions.verified import Compared, Findings, inner_object
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import canonical_json, json_object
from oneml.habitats.values.session_id import SessionId

PIN_SCHEMA = "oneml.pin/1"


def check_foreign(
    store: ArtifactStore, session_id: SessionId, record: NodeRecord, findings: Findings, *, may_pin: bool
) -> None:
    """Hold code that the driver does not have against what the first worker found, which this one may be.

    Args:
        store: The artifact store.
        session_id: The session.
        record: What the recipe says of the node.
        findings: Takes what is found.
        may_pin: Whether the settings of the node let the first worker settle it.

    Raises:
        DriftError: It is other code, or not here.
        UnprovenError: Nobody can tell, and nobody may settle it.
        StoreError: The store failed.
    """
    node, targets = record.node, record.provider.foreign
    if not may_pin:
        reason = 'the driver did not have it; set unproven = "pin" for the node'
        findings.judge_unproven([f"{target}: {reason}" for target in targets])
        return
    here = target_digests(targets)
    absent = [target for target, digest in here.items() if digest is None]
    findings.judge([Drift("code", target, "", "code that only workers have", None) for target in absent])
    key = keys.pin_key(session_id, node.provider)
    what = f"pin of {node.provider} in session {session_id}"
    document = canonical_json({"schema": PIN_SCHEMA, "provider": node.provider, "targets": here})
    if not store.create_if_absent(key, document):
        data = store.read(key, limit_bytes=DOCUMENT_MAX_BYTES)
        pinned = inner_object(json_object(data or b"{}", what=what, limit_bytes=DOCUMENT_MAX_BYTES), "targets")
        digests = {target: None if digest is None else str(digest) for target, digest in pinned.items()}
        findings.judge(list(pin_drifts(digests, here)))
    findings.compared.append(Compared("code of workers", ", ".join(targets)))
