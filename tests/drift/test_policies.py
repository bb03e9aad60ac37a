"""Policies stand in the recipe: what they let pass is told, and nothing else passes."""

from harbour_site import SIGNED, VARIABLES, Harbour

NODES = "harbour/nodes.py"


def under(harbour: Harbour, policy: str, **variables: str) -> None:
    harbour.create("harbour", "--session-id", "lenient", "--set", f"verification.{policy}", **variables)


def test_warning_runs_all_the_same_and_tells_the_change(harbour: Harbour) -> None:
    under(harbour, "mode=warn")
    harbour.edit(NODES, ") + ballast", ") - ballast")
    worked = harbour.work("harbour", "lenient", "//load")
    assert worked.returncode == 0
    assert "Load.__call__" in worked.stderr
    assert NODES in worked.stderr


def test_compatible_packages_pass_and_others_do_not(harbour: Harbour) -> None:
    under(harbour, "packages=compatible")
    harbour.metadata("ropes").rename(harbour.metadata("ropes", "2.0"))
    assert harbour.work("harbour", "lenient", "//load").returncode == 3
    harbour.metadata("ropes", "2.0").rename(harbour.metadata("ropes", "1.1"))
    worked = harbour.work("harbour", "lenient", "//load")
    assert worked.returncode == 0
    assert "ropes" in worked.stderr
    assert "1.1" in worked.stderr


def test_rotation_that_is_allowed_is_told(harbour: Harbour) -> None:
    signed = VARIABLES[SIGNED]
    under(harbour, "rotation=allow", HARBOUR_TOKEN="t0ken-before", **signed)
    worked = harbour.work("harbour", "lenient", "//load", **{**signed, "HARBOUR_TOKEN": "t0ken-after"})
    assert worked.returncode == 0, worked.stderr
    assert "token" in worked.stderr
    assert "t0ken" not in worked.stderr


def test_no_policy_lets_an_altered_recipe_pass(harbour: Harbour) -> None:
    under(harbour, "mode=warn")
    header = harbour.store / "sessions" / "lenient" / "recipe.json"
    header.chmod(0o644)
    header.write_text(header.read_text().replace('"created_at":"20', '"created_at":"19'))
    assert harbour.work("harbour", "lenient", "//load").returncode == 3
    assert harbour.marks == []
