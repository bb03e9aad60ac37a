"""Images that a ``runtime_env`` stands for: each is tried, for Ray never gives up a Python that is not there."""

import time
from collections.abc import Mapping

from oneml.habitats.engines.ray_api import RayApi, Ref
from oneml.habitats.engines.ray_flight import in_words
from oneml.habitats.engines.ray_worker import interpreter
from oneml.habitats.errors import EngineError


class Images:
    """The images of which nodes have been asked for.

    Args:
        ray: Connected.
        images: By name, the ``runtime_env``.
        seconds: How long starting one may take.
    """

    def __init__(self, ray: RayApi, images: Mapping[str, Mapping[str, object]], seconds: float) -> None:
        self._ray = ray
        self._images = images
        self._seconds = seconds
        self._tried: dict[str, tuple[Ref, float]] = {}
        self._known: set[str] = set()
        self._broken: dict[str, str] = {}

    def want(self, name: str | None) -> None:
        """Try to start an image, once; returns at once.

        Raises:
            EngineError: It is none that Ray knows how to set up.
        """
        if name is None or name not in self._images or name in self._known:
            return
        self._known.add(name)
        options = {"num_cpus": 0, "max_retries": 0, "runtime_env": dict(self._images[name])}
        try:
            ref = self._ray.remote(**options)(interpreter).remote()
        except Exception as error:
            reason = f'image "{name}" ({self._in_words(name)}) is of no use: {type(error).__name__}: {error}'
            raise EngineError(engine="ray", reason=reason) from error
        self._tried[name] = (ref, time.monotonic() + self._seconds)

    def broken(self) -> Mapping[str, str]:
        """Return, by image, why it cannot be started."""
        for name, (ref, until) in tuple(self._tried.items()):
            ready, _ = self._ray.wait([ref], num_returns=1, timeout=0, fetch_local=True)
            late = time.monotonic() >= until
            if not ready and not late:
                continue
            del self._tried[name]
            if ready:
                self._look(name, ref)
            else:
                self._ray.cancel(ref, force=True)
                self._broken[name] = (
                    f'no worker of image "{name}" ({self._in_words(name)}) could be started within {self._seconds:g} s '
                    "(option image_seconds): is there such an interpreter, with Ray and oneml-habitats in it, "
                    "on the machines of the cluster?"
                )
        return self._broken

    def _look(self, name: str, ref: Ref) -> None:
        try:
            self._ray.get(ref)
        except Exception as error:  # noqa: BLE001  # Ray's errors are many
            self._broken[name] = f'image "{name}" ({self._in_words(name)}) is of no use: {in_words(error)}'

    def _in_words(self, name: str) -> str:
        image = self._images[name]
        return str(image.get("py_executable") or f"runtime_env with {', '.join(sorted(image))}")
