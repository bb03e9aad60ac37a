"""One pipeline has one fingerprint, whatever the process, and so has each of its nodes."""

import json
import sys
from pathlib import Path

import pytest

from wheels import ROOT, build, install, run, run_installed

PACKAGES = ("hello-world-demo", "diamond", "digits-training")
FINGERPRINTS = """
import multiprocessing, sys

def show(name):
    from oneml.habitats.cli import oneml
    oneml.main(["fingerprint", name, "--json"], prog_name="oneml", standalone_mode=False)

if __name__ == "__main__":
    for name in sys.argv[2:]:
        if sys.argv[1] == "here":
            show(name)
        else:
            sys.stdout.flush()
            process = multiprocessing.get_context(sys.argv[1]).Process(target=show, args=(name,))
            process.start()
            process.join()
            assert process.exitcode == 0
"""

Fingerprints = dict[str, object]


def read(text: str) -> Fingerprints:
    """Return the fingerprints in the documents that the command printed, without what tells where sources lie."""
    decoder = json.JSONDecoder()
    found: Fingerprints = {}
    while text := text.strip():
        document, end = decoder.raw_decode(text)
        found[document["habitat"]] = (document["fingerprint"], document["nodes"])
        text = text[end:]
    return found


def here(folder: Path, *names: str, how: str = "here", **environment: str) -> Fingerprints:
    script = folder / "fingerprints.py"
    script.write_text(FINGERPRINTS)
    store = (folder / "store").as_uri()
    return read(run(sys.executable, "-P", script, how, *names, cwd=folder, ONEML_STORE_URL=store, **environment))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Fingerprints:
    """The fingerprints of all three in one process."""
    found = here(tmp_path_factory.mktemp("expected"), *PACKAGES, PYTHONHASHSEED="0")
    assert set(found) == set(PACKAGES)
    assert all(whole and all(nodes.values()) for whole, nodes in found.values())
    return found


@pytest.mark.parametrize(("seed", "names"), [("1", PACKAGES), ("4242", PACKAGES[:2])], ids=["1", "4242"])
def test_fingerprints_are_equal_under_every_hash_seed(
    expected: Fingerprints, tmp_path: Path, seed: str, names: tuple[str, ...]
) -> None:
    assert here(tmp_path, *names, PYTHONHASHSEED=seed) == {name: expected[name] for name in names}


@pytest.mark.parametrize("how", ["spawn", "forkserver", "fork"])
def test_fingerprints_are_equal_however_a_process_was_started(expected: Fingerprints, tmp_path: Path, how: str) -> None:
    folder = tmp_path / "ü b"
    folder.mkdir()
    names = PACKAGES[:2]
    assert here(folder, *names, how=how) == {name: expected[name] for name in names}


def test_fingerprints_are_equal_whether_the_package_is_editable_or_a_wheel(
    expected: Fingerprints, tmp_path: Path
) -> None:
    projects = [ROOT, *(ROOT / "containers" / name for name in PACKAGES)]
    install([build(project, tmp_path) for project in projects], tmp_path / "site")
    script = FINGERPRINTS + "\nimport digits_training\nassert 'site/' in digits_training.__file__\n"
    store = (tmp_path / "store").as_uri()
    out = run_installed(tmp_path / "site", script, "here", *PACKAGES, cwd=tmp_path, ONEML_STORE_URL=store)
    assert read(out) == expected
