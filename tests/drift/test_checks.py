"""Every check is needed: with one switched off, a change of the table that it stands for is refused no more."""

from pathlib import Path
from typing import NamedTuple

import pytest

from harbour_site import VARIABLES, Harbour, session_of
from harmful_kinds import KINDS, Kind

BY_NAME = {kind.name: kind for kind in KINDS}

FILES = "verification.identity_here = lambda expected, habitat: expected"
LIVE = "verification.live_drifts = lambda *_, **__: ()"
GRAPH = "verification.Verified.check_node = lambda *_, **__: None"
SECRETS = "verification.rotated_secrets = verified.rotated_secrets = lambda *_, **__: ()"
CONTAINER = "verification.own_target = lambda _: 'harbour.containers:Harbour'"
SIGNATURES = "signatures._check_signature = lambda *_: None"
CHECKSUMS = "recipe.unsealed = lambda document, key, what: document"
HASHES = "plan_shards.read_document = unchecked"

WITHOUT = """
import json
import sys
from oneml.habitats.cli import main
from oneml.habitats.sessions import client, plan_shards, recipe, signatures, verification, verified

def unchecked(store, session_id, name, digest, what):
    (found,) = [each for each in store.children(f"sessions/{{session_id}}/recipe") if each.startswith(name)]
    return json.loads(store.read(f"sessions/{{session_id}}/recipe/{{found}}", limit_bytes=1 << 20))

{patches}
sys.argv = ["oneml", "run-pipeline-node", "//load"]
main()
"""


class Case(NamedTuple):
    """What is switched off, the change that is brought about, and how the worker ends then."""

    off: tuple[str, ...]
    kind: str
    code: int


CASES = (
    Case((), "body", 3),
    Case((FILES,), "body", 0),
    Case((FILES,), "version of a requirement", 0),
    Case((FILES,), "package data changed", 0),
    Case((LIVE,), "function patched", 0),
    Case((GRAPH,), "container that depends on the environment", 0),
    Case((CONTAINER,), "callable that gives another container", 0),
    Case((SECRETS,), "secret rotated", 0),
    Case((SIGNATURES,), "signature stripped", 0),
    Case((SIGNATURES,), "another key", 3),  # secrets differ under another key as well
    Case((SIGNATURES, SECRETS), "another key", 0),
    Case((CHECKSUMS,), "header altered", 0),
    Case((HASHES,), "shard altered", 3),  # the fingerprint of the node tells
    Case((HASHES, GRAPH), "shard altered", 0),
    # What files are for is held a second time where objects show it.
    Case((FILES,), "provider class", 3),
    Case((FILES, GRAPH), "provider class", 0),
    Case((FILES,), "lifetime", 3),
    Case((FILES,), "constructor edge", 3),
    Case((FILES,), "setting added", 3),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{len(case.off)}-{case.code}".replace(" ", "-"))
def test_a_change_is_refused_by_the_check_that_stands_for_it(case: Case, harbour: Harbour) -> None:
    kind: Kind = BY_NAME[case.kind]
    kind.edit(harbour)
    variables = {
        **VARIABLES[kind.variant],
        **kind.variables,
        "ONEML_HABITATS_PIPELINE": "harbour-chosen" if kind.variant == "chosen" else "harbour",
        "ONEML_PIPELINE_SESSION_ID": session_of(kind.variant, "worker"),
    }
    done = harbour.script(WITHOUT.format(patches="\n".join(case.off)), **variables)
    assert done.returncode == case.code, done.stderr
    assert bool(harbour.marks) is (case.code == 0)


BEFORE_ITS_FILE = """
import sys
from pathlib import Path
from oneml.habitats.cli import main
import harbour.containers
import harbour.bodies

file = Path(harbour.bodies.__file__)
file.write_text(Path({original!r}).read_text())
sys.argv = ["oneml", "run-pipeline-node", "//load"]
main()
"""


def test_code_that_was_imported_before_its_file_became_what_is_recorded_is_refused(
    harbour: Harbour, tmp_path: Path
) -> None:
    file = harbour.packages / "harbour/bodies.py"
    original = tmp_path / "original.py"
    original.write_text(file.read_text())
    BY_NAME["base class"].edit(harbour)
    assert file.read_text() != original.read_text()
    done = harbour.script(
        BEFORE_ITS_FILE.format(original=str(original)),
        ONEML_HABITATS_PIPELINE="harbour",
        ONEML_PIPELINE_SESSION_ID=session_of(BY_NAME["base class"].variant, "worker"),
    )
    assert (file.read_text(), done.returncode) == (original.read_text(), 3), done.stderr
    assert "harbour.bodies" in done.stderr
