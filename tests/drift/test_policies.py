"""Policies stand in the recipe: what they let pass is told, and nothing else passes."""

import pytest

from harbour_site import WORKER, Harbour
from harmless_kinds import ALLOWED, LENIENT, Kind, brought_about, check_said


def under(harbour: Harbour, policy: str) -> None:
    harbour.create("harbour", "--session-id", "lenient", "--set", f"verification.{policy}")


@pytest.mark.parametrize("kind", ALLOWED, ids=lambda kind: kind.name.replace(" ", "-"))
def test_what_a_policy_lets_pass_is_told(kind: Kind, harbour: Harbour) -> None:
    brought_about(kind, harbour)
    code, said = harbour.go(LENIENT, WORKER, **kind.variables)
    assert code == 0, said
    check_said(kind, said)


def test_incompatible_packages_do_not_pass(harbour: Harbour) -> None:
    under(harbour, "packages=compatible")
    harbour.metadata("ropes").rename(harbour.metadata("ropes", "2.0"))
    assert harbour.work("harbour", "lenient", "//load").returncode == 3


def test_no_policy_lets_an_altered_recipe_pass(harbour: Harbour) -> None:
    under(harbour, "mode=warn")
    header = harbour.store / "sessions" / "lenient" / "recipe.json"
    header.chmod(0o644)
    header.write_text(header.read_text().replace('"created_at":"20', '"created_at":"19'))
    assert harbour.work("harbour", "lenient", "//load").returncode == 3
    assert harbour.marks == []
