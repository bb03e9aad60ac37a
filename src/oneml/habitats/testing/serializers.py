"""What every serializer promises, as a suite of tests that a serializer of one's own runs as well.

    class TestRoman(SerializerConformance):
        def serializer(self) -> Serializer:
            return RomanSerializer()

        def samples(self) -> Mapping[str, Sample]:
            return {"sixteen": Sample(Roman("XVI"), Roman)}

`docs/data.md` shows a whole one.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, NamedTuple

from oneml.habitats.data.type_names import form_name, type_name_of
from oneml.habitats.errors import MissingLibraryError
from oneml.habitats.stores.memory import MemoryArtifactStore

if TYPE_CHECKING:
    from oneml.habitats.ports.serializer import Serializer

_FOREIGN = (b"neither", b"PK\3\4", b"\x93NUMPY\1\0", b"\x89PNG\r\n\x1a\n", b"PAR1PAR1", b"ARROW1\0\0", bytes(10_240))
_LOADED = """
import sys
from importlib import import_module
getattr(import_module({module!r}), {name!r})().accepts(object())
print(*{{name.partition(".")[0] for name in sys.modules}})
"""


class Sample(NamedTuple):
    """A value that must come back.

    Attributes:
        value: The value.
        form: The annotation that it is read in; ``object`` where there is none.
        same_bytes: Whether what comes back gives the same bytes: not where it comes back in another form.
    """

    value: object
    form: object = object
    same_bytes: bool = True


class SerializerConformance:
    """Derive a test class from it; pytest finds the tests below, one for each sample where they take one.

    Attributes:
        deterministic: Whether equal values give equal bytes; say False where the type does not allow that.
        any_bytes: Whether there are no bytes that cannot be read, as with plain text: nothing can be refused then.
        libraries: Names of what is imported to write and read, and never to be looked at: checked to be so.
    """

    deterministic: ClassVar[bool] = True
    any_bytes: ClassVar[bool] = False
    libraries: ClassVar[Sequence[str]] = ()

    def serializer(self) -> "Serializer":
        """Return the serializer."""
        raise NotImplementedError

    def samples(self) -> Mapping[str, Sample]:
        """Return values by name: ordinary ones, empty ones, the largest, and all that is strange about the type."""
        raise NotImplementedError

    def check_same(self, value: object, returned: object) -> None:
        """Check that what came back is what was written; of the same type and equal, unless this is overridden.

        Raises:
            AssertionError: It is not.
        """
        if type(value) is not type(returned):
            _fail(f"a {type_name_of(value)} came back as a {type_name_of(returned)}")
        nan = value != value and returned != returned  # noqa: PLR0124  # which is how NaN is told
        if value != returned and not nan:
            _fail(f"{value!r:.200} came back as {returned!r:.200}")

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Make a test for each sample; called by pytest."""
        if "sample" in metafunc.fixturenames:
            samples = self.samples()
            metafunc.parametrize("sample", list(samples.values()), ids=list(samples))

    def test_name_version_and_media_type_are_told(self) -> None:
        """Port records hold the first two."""
        serializer = self.serializer()
        if not serializer.name or type(serializer.version) is not int or serializer.version < 1:
            _fail("name is empty, or version is no number from 1")
        if serializer.media_type.count("/") != 1:
            _fail(f"{serializer.media_type!r} is no media type")

    def test_value_comes_back(self, sample: Sample) -> None:
        """In the form that is asked for."""
        serializer = self.serializer()
        if not serializer.accepts(sample.value):
            _fail(f"{sample.value!r:.200} is not accepted")
        self.check_same(sample.value, serializer.read(BytesIO(self._written(sample)), sample.form))

    def test_value_comes_back_through_a_store(self, sample: Sample) -> None:
        """Which takes bytes from front to back, and gives them from any place."""
        serializer, store = self.serializer(), MemoryArtifactStore()

        def write(stream: BinaryIO) -> None:
            serializer.write(sample.value, stream)

        with store.open_blob(store.write_blob(write)) as stream:
            self.check_same(sample.value, serializer.read(stream, sample.form))

    def test_equal_values_give_equal_bytes(self, sample: Sample) -> None:
        """Also what came back: that is how outputs are reused and compared."""
        first = self._written(sample)
        returned = self.serializer().read(BytesIO(first), sample.form)
        if self.deterministic and self._written(sample) != first:
            _fail("the same value gives other bytes the second time")
        if self.deterministic and sample.same_bytes and self._written(Sample(returned)) != first:
            _fail("the value gives other bytes once it has come back")

    def test_part_of_the_bytes_is_never_taken_for_the_value(self, sample: Sample) -> None:
        """It is refused by a TypeError or ValueError, or is another value."""
        whole = self._written(sample)
        for size in sorted({0, 1, len(whole) // 2, len(whole) - 1} & set(range(len(whole)))):
            for returned in self._read(whole[:size], sample.form):
                if _passes(self.check_same, sample.value, returned):
                    _fail(f"{size} of {len(whole)} bytes are taken for the value")

    def test_bytes_of_others_are_refused(self) -> None:
        """By a TypeError or ValueError; no other exception, and no value."""
        for data in () if self.any_bytes else (b"", *_FOREIGN):
            for returned in self._read(data, object):
                _fail(f"{data!r:.40} is read as {returned!r:.200}")

    def test_another_form_is_refused(self, sample: Sample) -> None:
        """By a TypeError: whoever takes the value wants something else."""
        for returned in self._read(self._written(sample), _Nobody):
            _fail(f"{form_name(_Nobody)} is wanted, and {returned!r:.200} is given")

    def test_stranger_is_neither_accepted_nor_written(self) -> None:
        """A TypeError says so, before a byte is written."""
        for stranger in (object(), type, _Nobody()):
            stream = BytesIO()
            if self.serializer().accepts(stranger):
                _fail(f"{stranger!r} is accepted")
            try:
                self.serializer().write(stranger, stream)
            except TypeError:
                if stream.getvalue():
                    _fail("bytes are written of a value that is refused")
            else:
                _fail(f"{stranger!r} is written")

    def test_looking_at_a_value_imports_no_library(self) -> None:
        """A worker that meets no such value pays for no such library."""
        if self.libraries:
            kind = type(self.serializer())
            code = _LOADED.format(module=kind.__module__, name=kind.__qualname__)
            command = [sys.executable, "-c", code]
            run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own code
            loaded = sorted(set(self.libraries) & set(run.stdout.split()))
            if loaded:
                _fail(f"{', '.join(loaded)} is imported although there is nothing to write or to read")

    def test_library_that_is_missing_is_named(self, monkeypatch: Any) -> None:
        """By a MissingLibraryError or an ImportError."""
        sample = next(iter(self.samples().values()))
        data = self._written(sample)
        for library in self.libraries:
            with monkeypatch.context() as patch:
                for name in [name for name in sys.modules if name.partition(".")[0] == library]:
                    patch.setitem(sys.modules, name, None)
                try:
                    self.serializer().read(BytesIO(data), object)
                except (MissingLibraryError, ImportError) as error:
                    if library not in str(error):
                        _fail(f"{library} is missing, and this is said: {error}")
                else:
                    _fail(f"{library} is missing, and the value is read all the same")

    def _written(self, sample: Sample) -> bytes:
        stream = BytesIO()
        self.serializer().write(sample.value, stream)
        return stream.getvalue()

    def _read(self, data: bytes, form: object) -> Iterator[object]:
        """Give what is read of bytes; nothing where they are refused as they must be."""
        try:
            returned = self.serializer().read(BytesIO(data), form)
        except (TypeError, ValueError):
            return
        yield returned


class _Nobody:
    """A type that no serializer knows."""


def _passes(check: Callable[[object, object], None], value: object, returned: object) -> bool:
    try:
        check(value, returned)
    except Exception:  # noqa: BLE001  # whatever a comparison of unlike things raises
        return False
    return True


def _fail(message: str) -> None:
    raise AssertionError(message)
