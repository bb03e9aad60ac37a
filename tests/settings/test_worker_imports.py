"""What a worker loads to have its settings: not what only a driver, or a failing process, needs."""

import subprocess
import sys

PROGRAM = """
import sys
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.effective import EffectiveSettings
snapshot = {"process": {}, "session": {}, "layers": {"process": [], "session": []}}
class Small(PipelineSettings):
    seed: int = 3
snapshot["process"] = {
    "engine": "in-process", "workers": None, "image": None, "tags": [], "priority": 0, "isolated": False,
    "unproven": "refuse", "retry_backoff": 1.0, "engines": {}, "output_max_bytes": None,
    "resources": {"cpus": 1.0, "memory_bytes": None, "gpus": 0}, "retries": 0, "retry_delay_seconds": 0.0,
    "timeout_seconds": None, "on_failure": "continue", "store": None, "serializers": {}, "allow_pickle": False,
    "verification": {"mode": "strict", "packages": "exact", "python": "exact", "rotation": "refuse"}, "reusable": True,
    "seed": 5,
}
settings = EffectiveSettings.from_snapshot(Small, snapshot, {})
assert settings.node("//a", {"seed": 6}).seed == 6
assert settings.read_values({"seed"}, "//a", {"seed": 6}) == {"seed": 6}
heavy = {"platformdirs", "tomllib", "difflib", "networkx", "dependency_injector"}
loaded = sorted(heavy & set(sys.modules))
ours = sorted(name for name in sys.modules if name.startswith("oneml.habitats.settings."))
print(loaded, [name.rpartition(".")[2] for name in ours])
"""

READERS = {"process", "session", "environment", "resolve", "completion", "toml_files"}
DRIVERS = READERS | {"revisions", "explanations", "default_places", "recorded_sources", "rows", "differences"}


def test_a_worker_loads_neither_what_reads_layers_nor_what_explains_mistakes() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded, ours = done.stdout.strip().split("] ")
    assert loaded == "["
    assert not DRIVERS & set(ours.strip("[]").replace("'", "").split(", "))
