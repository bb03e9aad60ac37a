"""Proves nodes in processes that are started as the arguments say: METHOD COUNT SESSION NODE..."""

import multiprocessing
import sys
from itertools import cycle, islice


def prove(session_id: str, node: str) -> None:
    """Do as ``oneml prove`` does, and end the process as it does."""
    from oneml.habitats.cli import main

    sys.argv = ["oneml", "prove", session_id, node]
    main()


def start(method: str, count: int, session_id: str, nodes: list[str]) -> list[int]:
    """Start as many processes, one after the other, and return their exit codes."""
    context = multiprocessing.get_context(method)
    codes: list[int] = []
    for node in islice(cycle(nodes), count):
        process = context.Process(target=prove, args=(session_id, node))
        process.start()
        process.join()
        codes.append(-1 if process.exitcode is None else process.exitcode)
    return codes


if __name__ == "__main__":
    exit_codes = start(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:])
    print(*exit_codes)
    sys.exit(max(exit_codes))
