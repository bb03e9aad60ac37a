"""Workers that are a few lines of shell, and a store that is a folder of marks: what an engine sees of a session."""

from collections.abc import Callable
from pathlib import Path

from oneml.habitats.ports.engine import EngineContext, EngineRun, NodeTask
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState

WORKER = """\
key=$(echo "$2" | tr -d /)
echo $$ >> {folder}/claims.$key
. {folder}/body.$key
touch {folder}/done.$key
"""


class ShellSession:
    """A session in a folder.

    Args:
        folder: Where marks lie.
        session_id: Its id.
    """

    def __init__(self, folder: Path, session_id: str = "s1") -> None:
        self.folder = folder
        self.session_id = session_id
        self.lines: list[tuple[str, str]] = []
        self.worker = folder / "worker.sh"
        self.worker.write_text(WORKER.format(folder=folder))

    def node(self, path: str, body: str = "", **fields: object) -> NodeTask:
        """Give a node a body, and return the task."""
        (self.folder / f"body.{_key(path)}").write_text(body + "\n")
        timeout_seconds = fields.pop("timeout_seconds", None)
        return NodeTask(NodePath(path), timeout_seconds, **fields)  # type: ignore[arg-type]

    def runs(self, path: str) -> int:
        """How often the body of a node was started."""
        claims = self.folder / f"claims.{_key(path)}"
        return len(claims.read_text().splitlines()) if claims.exists() else 0

    def known(self, path: NodePath, _after_attempt: int) -> NodeOutcome | None:
        done = (self.folder / f"done.{_key(path)}").exists()
        return NodeOutcome(path, NodeState.SUCCEEDED, self.runs(path)) if done else None

    def texts(self, path: str) -> list[str]:
        return [line for of, line in self.lines if of == path]

    def context(self, *, workers: int | None = None, store_url: str | None = None, **options: object) -> EngineContext:
        told: dict[str, object] = {
            "command": ["/bin/sh", str(self.worker)],
            "log_folder": str(self.folder / "logs"),
            "poll_seconds": 0.2,
            "unseen_seconds": 1.0,
            "grace_seconds": 1.0,
        }
        return EngineContext(
            habitat="h",
            session_id=SessionId(self.session_id),
            store_url=store_url,
            workers=workers,
            execute=lambda path: NodeOutcome(path, NodeState.FAILED),
            known=self.known,
            last_attempt=self.runs,
            mask=lambda text: text.replace("s3cr3t", "***"),
            log=lambda path, line: self.lines.append((path, line)),
            entry="",
            masking="",
            preload="",
            take=lambda _replies: (),
            message=lambda _task, _limit: {},
            options=told | options,
            isolated=False,
        )


def wait_for(run: EngineRun, count: int = 1, *, seconds: float = 40.0) -> dict[str, NodeOutcome]:
    """Wait for outcomes, by node; each comes once."""
    came: dict[str, NodeOutcome] = {}
    for _ in range(int(seconds / 0.1)):
        for outcome in run.wait(0.1):
            assert outcome.path not in came
            came[outcome.path] = outcome
        if len(came) >= count:
            return came
    raise AssertionError(f"only {came} came within {seconds:g} s")  # noqa: EM102  # the test's own text


def wait_until(run: EngineRun, is_so: Callable[[], bool], *, seconds: float = 40.0) -> None:
    """Let the engine work until something is so; nothing may end meanwhile."""
    for _ in range(int(seconds / 0.05)):
        if is_so():
            return
        came = run.wait(0.05)
        assert not came, came
    raise AssertionError("it did not come about")


def _key(path: str) -> str:
    return path.replace("/", "")
