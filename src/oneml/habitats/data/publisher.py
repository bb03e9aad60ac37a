"""What a body publishes before it returns: large outputs that need not stay in memory, files, and many named values.

All of it is committed together with the node, or none of it is.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.parts import Parts
from oneml.habitats.data.published import Published
from oneml.habitats.data.unkeepable import refuse_to_keep
from oneml.habitats.errors import ClosedScopeError, PublishedTwiceError, UnknownPortError
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import SINGLE_PORT

T = TypeVar("T")


_changed = threading.Condition()
"""Guards what all publishers have taken: held for moments, and one for all, since one is made for every node."""


class Publisher:
    """Publishes outputs of the node that runs; see `PipelineSessionContext.publisher`.

    Args:
        node: The node.
        outputs: Its ports.
        client: Stores values; None where they stay in memory.
        wanted: Serializers that the settings want, by port.
    """

    def __init__(
        self, node: NodePath, outputs: tuple[str, ...], client: DataClient | None, wanted: Mapping[str, str]
    ) -> None:
        self._node = node
        self._outputs = outputs
        self._client = client
        self._wanted = wanted
        self._ports: dict[str, Published | None] = {}
        self._parts: dict[str, dict[str, object]] = {}
        self._unfinished: set[tuple[str, str]] = set()
        self._is_closed = False

    def publish(self, value: T, *, port: str = SINGLE_PORT) -> T:
        """Publish an output now, so that the body need not hold it until it returns.

        Args:
            value: The value.
            port: The port; the one port of the node unless given.

        Returns:
            What stands for it in the result. Type checkers take it for the value.

        Raises:
            UnknownPortError: The node has no such port.
            PublishedTwiceError: The port is published already.
            SerializationError: The value cannot be written.
            StoreError: The store failed.
        """
        return cast("T", self._publish(port, lambda: self._of_value(port, port, value)))

    def publish_file(self, path: Path, *, port: str = SINGLE_PORT) -> bytes:
        """Publish the content of a file as ``bytes``, however large it is.

        Args:
            path: The file; it may be removed afterwards.
            port: As for `publish`.

        Returns:
            What stands for it in the result. Type checkers take it for the value.

        Raises:
            UnknownPortError: As `publish`.
            PublishedTwiceError: As `publish`.
            OSError: The file cannot be read.
            StoreError: The store failed.
        """
        return cast("bytes", self._publish(port, lambda: self._of_file(port, path)))

    def publish_part(self, name: str, value: object, *, port: str = SINGLE_PORT) -> None:
        """Publish one of many values of a port whose type is ``Parts[T]``; `parts` gives all of them.

        Args:
            name: Its name in the port.
            value: The value.
            port: As for `publish`.

        Raises:
            UnknownPortError: As `publish`.
            PublishedTwiceError: The name, or the whole port, is published already.
            SerializationError: The value cannot be written.
            StoreError: The store failed.
        """
        self._publish_part(port, name, lambda what: self._of_value(port, what, value))

    def publish_part_file(self, name: str, path: Path, *, port: str = SINGLE_PORT) -> None:
        """Publish the content of a file as one of many values of a port whose type is ``Parts[bytes]``.

        Args:
            name: As for `publish_part`.
            path: As for `publish_file`.
            port: As for `publish`.

        Raises:
            UnknownPortError: As `publish`.
            PublishedTwiceError: As `publish_part`.
            OSError: The file cannot be read.
            StoreError: The store failed.
        """
        self._publish_part(port, name, lambda what: self._of_file(what, path))

    def parts(self, *, port: str = SINGLE_PORT) -> Parts[Any]:
        """Return what stands for all parts of a port in the result, also where there are none.

        Waits for parts that other threads are publishing.

        Args:
            port: As for `publish`.

        Raises:
            UnknownPortError: As `publish`.
            PublishedTwiceError: The port is published already.
        """
        with _changed:
            self._check(port)
            _changed.wait_for(lambda: all(taken != port for taken, _ in self._unfinished))
            parts = self._parts.pop(port, {})
            self._take(port)
        return cast("Parts[Any]", self._finish(port, lambda: self._of_parts(parts)))

    def settled(self, ports: Mapping[str, object]) -> Mapping[str, object]:
        """Return the outputs of a body that has returned; nothing may be published after that.

        Args:
            ports: The result, by port.

        Raises:
            PublishedTwiceError: A port was published, and the result has another value for it.
        """
        with _changed:
            self._is_closed = True
            begun = {*self._ports, *self._parts, *(port for port, _ in self._unfinished)}
        if not begun and not any(isinstance(value, Published) for value in ports.values()):
            return ports
        for port, value in ports.items():
            published = self._ports.get(port)  # None also where another thread is at it
            if (port in begun or isinstance(value, Published)) and (published is None or value is not published):
                raise PublishedTwiceError(node=self._node, what=f'port "{port}": by a publisher, and in its result,')
        if self._client is not None:
            return ports
        return {port: value.value if isinstance(value, Published) else value for port, value in ports.items()}

    def _publish(self, port: str, store: Callable[[], object]) -> Published:
        with _changed:
            self._take(port)
        return self._finish(port, store)

    def _finish(self, port: str, store: Callable[[], object]) -> Published:
        """Publish a port that was taken; it is free again where that fails."""
        try:
            published = Published(port, store())
        except BaseException:
            del self._ports[port]
            raise
        self._ports[port] = published
        return published

    def _publish_part(self, port: str, name: str, store: Callable[[str], object]) -> None:
        with _changed:
            self._check(port)
            if port in self._ports:
                raise PublishedTwiceError(node=self._node, what=f'port "{port}"')
            if name in self._parts.get(port, {}) or (port, name) in self._unfinished:
                raise PublishedTwiceError(node=self._node, what=f'part "{name}" of port "{port}"')
            self._unfinished.add((port, name))
        try:
            stored = store(f"{port}[{name!r}]")
            with _changed:
                self._parts.setdefault(port, {})[name] = stored
        finally:
            with _changed:
                self._unfinished.discard((port, name))
                _changed.notify_all()

    def _take(self, port: str) -> None:
        """Note that a port is published now."""
        self._check(port)
        if port in self._ports or port in self._parts or any(taken == port for taken, _ in self._unfinished):
            raise PublishedTwiceError(node=self._node, what=f'port "{port}"')
        self._ports[port] = None

    def _check(self, port: str) -> None:
        if self._is_closed:
            raise ClosedScopeError(scope=f"The publisher of {self._node}")
        if port not in self._outputs:
            raise UnknownPortError(node=self._node, port=port, known=self._outputs)

    def _of_value(self, port: str, what: str, value: object) -> object:
        client = self._client
        if client is None:
            refuse_to_keep(self._node, what, value)
            return value
        if what != port:
            client = client.uncarried()  # so that parts are one artifact, wherever a node runs
        return client.publish(self._node, what, value, wanted=self._wanted.get(port))

    def _of_file(self, what: str, path: Path) -> object:
        return path.read_bytes() if self._client is None else self._client.publish_file(self._node, what, path)

    def _of_parts(self, parts: Mapping[str, object]) -> object:
        if self._client is None:
            return Parts(tuple(parts), parts.__getitem__, records=None)
        return self._client.publish_parts(cast("Mapping[str, PortRecord]", parts))
