"""Measures every group of figures, prints the table and writes RESULTS.md."""

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure, from_json, table
from benchmarks.machine import describe

GROUPS = {
    "node-scope": "Dependency injection: a node scope (20 services: 10 per process, 5 per session, 5 per node)",
    "sessions": "Dependency injection: sessions",
    "nodes": "Running nodes in-process, over a bare loop",
    "graphs": "Graphs of 100,000 nodes with two upstreams each: define, validate, order",
    "identity": "Identity: fingerprints, a worker's check, settings explained",
    "cold-start": "Cold start: a command in a fresh process",
    "testing": "The pytest plugin, in a run that does not use it",
    "workers": "Worker processes of the process engine",
    "clusters": "Nodes on clusters, over plain submission of the same work, in turns on the same cluster",
}
RESULTS = Path(__file__).with_name("RESULTS.md")


def measure(group: str, *, quick: bool) -> list[Figure]:
    """Measure a group in a process of its own."""
    command = [sys.executable, "-m", f"benchmarks.{group.replace('-', '_')}", *(["--quick"] if quick else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=RESULTS.parents[1])
    if done.returncode != 0:
        return [
            Figure(name=f"{group}: not measured, exit code {done.returncode}", ours="", target="measured", met=False)
        ]
    return from_json(done.stdout.splitlines()[-1])


def main() -> int:
    """Run the program; the exit code is 1 where a group could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds; prints only, writes nothing")
    parser.add_argument("--only", choices=GROUPS, action="append", help="a group, may be repeated; writes nothing")
    options = parser.parse_args()
    facts = list(describe())
    sections: list[str] = []
    complete = True
    for group in options.only or GROUPS:
        figures = measure(group, quick=options.quick)
        complete = complete and all(figure.ours for figure in figures)
        sections.append(f"## {GROUPS[group]}\n\n{table(figures)}\n")
        print(sections[-1], flush=True)
    if complete and not (options.quick or options.only):
        head = "\n".join(f"- {name}: {value}" for name, value in facts)
        how = "Medians; contenders take turns, and a ratio compares values of one round. `make bench` writes this file."
        RESULTS.write_text("\n".join(["# Figures", "", how, "", head, "", *sections]))
        print(f"Written: {RESULTS}")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
