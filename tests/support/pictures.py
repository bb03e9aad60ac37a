"""Writes the pictures of docs/drawing.md; a test holds that they are current. Program: ``python pictures.py FOLDER``."""

import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from digits_training import DigitsTraining

from oneml.habitats import PipelineServiceClient, Reference, replace
from oneml.habitats.graph.drawing.diagram import Diagram
from oneml.habitats.graph.drawing.layout import Direction
from oneml.habitats.graph.drawing.plan_diagram import NodeStatus, plan_diagram
from oneml.habitats.graph.drawing.rendering import Format, render
from oneml.habitats.sessions.diagrams import preview_diagram, preview_objects
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import ExternalInput, ExternalSource, GatherSource, Plan, PlannedNode, PortSource
from oneml.habitats.values.states import NodeState

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SESSION_ID = "01970000-0000-7000-8000-000000000000"


class Nodes:
    """Collects the nodes of a plan, in an order in which they could run."""

    def __init__(self) -> None:
        self.nodes: dict[NodePath, PlannedNode] = {}
        self.fan_outs: dict[NodePath, tuple[NodePath, ...]] = {}

    def add(self, path: str, **inputs: NodePath) -> NodePath:
        """Add a node that is fed by others."""
        found = NodePath(path)
        sources = {name: PortSource(source, "output") for name, source in inputs.items()}
        self.nodes[found] = PlannedNode(found, path.rpartition("/")[2], sources, ("output",))
        return found

    def chain(self, space: str, names: Sequence[str], source: NodePath) -> NodePath:
        """Add nodes one after the other, and return the last one."""
        for name in names:
            source = self.add(f"{space}/{name}", table=source)
        return source

    def fan_out(self, space: str, count: int, source: NodePath, gathered: str) -> NodePath:
        """Add a fan-out and a node that gathers it."""
        members = tuple(NodePath(f"{space}/{number}") for number in range(count))
        for number, path in enumerate(members):
            self.nodes[path] = PlannedNode(
                path,
                space.rpartition("/")[2],
                {"table": PortSource(source, "output")},
                ("output",),
                label=f"seed={number}",
                fan_out=NodePath(space),
            )
        self.fan_outs[NodePath(space)] = members
        found = NodePath(gathered)
        items = GatherSource(tuple(PortSource(path, "output") for path in members))
        self.nodes[found] = PlannedNode(found, gathered.rpartition("/")[2], {"fits": items}, ("output",))
        return found


def fifty() -> Plan:
    """Return a pipeline of some 50 boxes: three branches of features, two of models."""
    nodes = Nodes()
    raw = nodes.chain("//ingest", ("fetch", "parse", "deduplicate"), nodes.add("//ingest/calendar"))
    clean = nodes.chain("//clean", ("types", "outliers", "missing"), raw)
    checked = nodes.add("//clean/checked", table=clean, rules=nodes.add("//clean/rules"))
    features: dict[str, NodePath] = {}
    for kind, steps in (
        ("text", ("tokens", "embed", "reduce", "scale")),
        ("image", ("resize", "embed", "reduce", "scale")),
        ("price", ("lags", "ratios", "impute", "scale")),
    ):
        features[kind] = nodes.chain(f"//features/{kind}", steps, checked)
    table = nodes.add("//features/join", **features)
    split = nodes.add("//models/split", table=table)
    linear = nodes.chain("//models/linear", ("encode", "fit", "calibrate"), split)
    best = nodes.fan_out("//models/boosted/fit", 24, split, "//models/boosted/select")
    boosted = nodes.chain("//models/boosted", ("prune", "calibrate"), best)
    blend = nodes.add("//models/blend", linear=linear, boosted=boosted)
    shares = {
        name: nodes.add(f"//report/{name}", model=blend, table=split) for name in ("accuracy", "fairness", "drift")
    }
    pages = nodes.add("//report/pages", **shares)
    nodes.nodes[NodePath("//ingest/calendar")] = PlannedNode(
        NodePath("//ingest/calendar"), "calendar", {"day": ExternalSource("day")}, ("output",)
    )
    return Plan(
        nodes=nodes.nodes,
        inputs={"day": ExternalInput("day", "str", required=True)},
        outputs={"report": PortSource(pages, "output"), "model": PortSource(blend, "output")},
        fan_outs=nodes.fan_outs,
    )


def five_hundred() -> Plan:
    """Return a pipeline of 500 nodes: the same for each of twelve markets, compared at the end."""
    nodes = Nodes()
    calendar = nodes.add("//calendar")
    markets = {}
    for market in ("at", "be", "ch", "de", "dk", "es", "fi", "fr", "it", "nl", "no", "se"):
        space = f"//markets/{market}"
        table = nodes.add(f"{space}/load", calendar=calendar)
        table = nodes.chain(f"{space}/clean", ("types", "outliers", "missing", "check"), table)
        kinds = {
            kind: nodes.chain(f"{space}/features/{kind}", ("read", "derive", "impute", "scale"), table)
            for kind in ("price", "text", "weather")
        }
        joined = nodes.add(f"{space}/features/join", **kinds)
        best = nodes.fan_out(f"{space}/train", 20, joined, f"{space}/select")
        markets[market] = nodes.add(f"{space}/evaluate", fit=best, table=joined)
    compared = nodes.add("//compare", **markets)
    nodes.chain("//report", ("tables", "figures", "page"), compared)
    return Plan(nodes=nodes.nodes, fan_outs=nodes.fan_outs)


def statuses(plan: Plan) -> Mapping[NodePath, NodeStatus]:
    """Return a session in which two members of a fan-out of 100 failed."""
    dice = random.Random(7)  # noqa: S311  # for a picture
    found: dict[NodePath, NodeStatus] = {}
    for number, (path, node) in enumerate(plan.nodes.items()):
        seconds = round(dice.uniform(0.2, 9.0), 2)
        if node.fan_out is not None and number % 50 == 0:
            found[path] = NodeStatus(NodeState.FAILED, 2, seconds, engine="process")
        elif node.fan_out is not None and number % 67 == 0:
            found[path] = NodeStatus(NodeState.RUNNING, 1, engine="process")
        elif path in {"//load", "//split"}:
            found[path] = NodeStatus(NodeState.SUCCEEDED, 1, seconds, reused=True, engine="process")
        elif path in {"//select", "//evaluate", "//report"}:
            found[path] = NodeStatus(NodeState.SKIPPED, engine="process")
        else:
            found[path] = NodeStatus(NodeState.SUCCEEDED, 1, seconds, engine="process")
    return found


def diagrams(folder: Path) -> Mapping[str, Diagram]:
    """Return every diagram of the guide by the name of its picture; ``folder`` is written to."""
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    sources = ProcessSources(environ=home, working_directory=folder)
    client = PipelineServiceClient(store=(folder / "store").as_uri(), sources=sources)
    other = Reference(DigitsTraining.client.provides, "digits_training.clients:DigitsClient")
    digits, large = client.preview("digits-training"), five_hundred()
    wide = client.preview("digits-training", settings={"train": {"c": [round(0.1 * (n + 1), 1) for n in range(100)]}})
    return {
        "hello-world": preview_diagram(client.preview("hello-world-demo")),
        "digits-training": preview_diagram(digits),
        "objects": preview_objects(client.preview("digits-training", replace(DigitsTraining.client, provider=other))),
        "session": plan_diagram(
            wide.plan,
            title="digits-training",
            subtitle=f"session {SESSION_ID} \N{MIDDLE DOT} running \N{MIDDLE DOT} process",
            statuses=statuses(wide.plan),
        ),
        "fifty": plan_diagram(fifty(), title="fifty", subtitle="a pipeline of some fifty nodes"),
        "five-hundred": plan_diagram(large, title="five-hundred", subtitle=f"{len(large.nodes)} nodes"),
    }


def pictures(folder: Path) -> Mapping[str, str]:
    """Return every picture as SVG by its name."""
    return {
        name: render(diagram, Format.SVG, direction=Direction.AUTO).decode()
        for name, diagram in diagrams(folder).items()
    }


def main(target: Path) -> None:
    """Write every picture into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in pictures(Path(folder)).items():
            (target / f"{name}.svg").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES)
