"""What a body publishes before it returns: large outputs that need not stay in memory, files, and many named values.

All of it is committed together with the node, or none of it is.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.parts import Parts
from oneml.habitats.data.published import Published
from oneml.habitats.errors import ClosedScopeError, PublishedTwiceError, UnknownPortError
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import SINGLE_PORT

T = TypeVar("T")


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
        self._lock = threading.Lock()
        self._ports: dict[str, Published | None] = {}
        self._parts: dict[str, dict[str, object]] = {}
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
        self._take(port)
        client = self._client
        kept = value if client is None else client.publish(self._node, port, value, wanted=self._wanted.get(port))
        return cast("T", self._done(port, kept))

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
        self._take(port)
        return cast("bytes", self._done(port, self._of_file(port, path)))

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
        client, wanted = self._client, self._wanted.get(port)
        self._take_part(port, name)
        what = f"{port}[{name!r}]"
        self._parts[port][name] = value if client is None else client.publish(self._node, what, value, wanted=wanted)

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
        self._take_part(port, name)
        self._parts[port][name] = self._of_file(f"{port}[{name!r}]", path)

    def parts(self, *, port: str = SINGLE_PORT) -> Parts[Any]:
        """Return what stands for all parts of a port in the result, none included.

        Args:
            port: As for `publish`.

        Raises:
            UnknownPortError: As `publish`.
            PublishedTwiceError: The port is published already.
        """
        parts = self._parts.pop(port, {})
        self._take(port)
        if self._client is None:
            return cast("Parts[Any]", self._done(port, Parts(tuple(parts), parts.__getitem__, records={})))
        return cast("Parts[Any]", self._done(port, self._client.publish_parts(cast("Mapping[str, PortRecord]", parts))))

    def settled(self, ports: Mapping[str, object]) -> Mapping[str, object]:
        """Return the outputs of a body that has returned; nothing may be published after that.

        Args:
            ports: The result, by port.

        Raises:
            PublishedTwiceError: A port was published, and the result has another value for it.
        """
        self._is_closed = True
        for port, value in ports.items():
            known = self._ports.get(port)
            if (known is not None or port in self._parts or isinstance(value, Published)) and value is not known:
                raise PublishedTwiceError(node=self._node, what=f'port "{port}": by a publisher, and in its result,')
        if self._client is not None:
            return ports
        return {port: value.value if isinstance(value, Published) else value for port, value in ports.items()}

    def _of_file(self, what: str, path: Path) -> object:
        return path.read_bytes() if self._client is None else self._client.publish_file(self._node, what, path)

    def _take(self, port: str) -> None:
        """Note that a port is published now."""
        self._check(port)
        with self._lock:
            if port in self._ports or port in self._parts:
                raise PublishedTwiceError(node=self._node, what=f'port "{port}"')
            self._ports[port] = None

    def _take_part(self, port: str, name: str) -> None:
        self._check(port)
        with self._lock:
            parts = self._parts.setdefault(port, {})
            if port in self._ports:
                raise PublishedTwiceError(node=self._node, what=f'port "{port}"')
            if name in parts:
                raise PublishedTwiceError(node=self._node, what=f'part "{name}" of port "{port}"')
            parts[name] = None

    def _check(self, port: str) -> None:
        if self._is_closed:
            raise ClosedScopeError(scope=f"The publisher of {self._node}")
        if port not in self._outputs:
            raise UnknownPortError(node=self._node, port=port, known=self._outputs)

    def _done(self, port: str, value: object) -> Published:
        published = self._ports[port] = Published(port, value)
        return published
