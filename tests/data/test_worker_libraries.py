"""What workers load to handle values: the library of a value when it is met, and no other."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd

from oneml.habitats.data.client import DataClient
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.values.node_path import NodePath

PROGRAM = """
import json, sys
from pathlib import Path
from oneml.habitats.data.client import DataClient
from oneml.habitats.sessions.worker import preload
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
preload()
client = DataClient(LocalArtifactStore(Path(sys.argv[1])))
plain, frame = (PortRecord(*record, inline=None) for record in json.loads(sys.argv[2]))
def libraries():
    names = {name.partition(".")[0] for name in sys.modules}
    ours = {name for name in sys.modules if name in {"tarfile", "oneml.habitats.data.serializers.tar"}}
    print(json.dumps(sorted(names & {"numpy", "pandas", "polars", "pyarrow", "PIL", "matplotlib", "sklearn"} | ours)))
value = client.load(plain, dict[str, list[int]], what="it")
client.publish(NodePath("//n"), "out", value)
client.publish(NodePath("//n"), "out", [value, None, "text"])
libraries()
client.load(frame, object, what="it")
libraries()
"""


def test_a_worker_that_handles_json_loads_no_library_and_one_that_reads_a_frame_its_own(tmp_path: Path) -> None:
    client = DataClient(LocalArtifactStore(tmp_path / "store"))
    values = {"a": list(range(3000))}, pd.DataFrame({"a": range(3000)})
    records = [client.publish(NodePath("//n"), "out", value) for value in values]
    given = json.dumps([record[:4] for record in records])
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "store"), given]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    of_json, of_frame = (set(json.loads(line)) for line in run.stdout.splitlines())
    assert of_json == set()
    assert {"pandas", "pyarrow"} <= of_frame
    assert not of_frame & {"polars", "PIL", "matplotlib", "sklearn"}
