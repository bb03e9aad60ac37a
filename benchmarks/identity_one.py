"""Makes a worker's check of one node once: HABITAT SESSION NODE. Prints its seconds, imports apart."""

import sys
import time

from oneml.habitats import PipelineServiceClient
from oneml.habitats.habitats.registry import HabitatRegistry


def main(habitat: str, session_id: str, node: str) -> None:
    """Import what the check needs, then make it."""
    HabitatRegistry().load(habitat).settings_model()
    client = PipelineServiceClient()
    began = time.perf_counter()
    with client.session(habitat, session_id) as session:
        session.prove(node)
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main(*sys.argv[1:])
