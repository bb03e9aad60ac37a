"""Two images, each a virtual environment with a package that neither the other one nor the driver has."""

import os
import sys
import sysconfig
import venv
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from oneml.habitats import HabitatRegistry, PipelineServiceClient
from oneml.habitats.settings.sources import ProcessSources

PIPELINE = """
from typing import Protocol
from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineNodeSettings, Reference
class Contract(Protocol):
    def __call__(self, before: str = "") -> str: ...
class TwoImages(PipelineComponents):
    alpha = Reference(Contract, "alpha_pkg.places:Place")
    beta = Reference(Contract, "beta_pkg.places:Place")
    def define(self, pipeline: PipelineBuilder) -> None:
        on_alpha = PipelineNodeSettings(image="alpha:1", unproven="pin")
        on_beta = PipelineNodeSettings(image="beta:1", unproven="pin")
        first = pipeline.node("first", self.alpha, settings=on_alpha)()
        second = pipeline.node("second", self.beta, settings=on_beta)(before=first)
        pipeline.output("places", pipeline.node("third", self.alpha, settings=on_alpha)(before=second))
"""
PLACES = """
import sys
from importlib.metadata import version
from importlib.util import find_spec
class Place:
    def __call__(self, before: str = "") -> str:
        found = [f"{name} {version(name)}" for name in ("alpha_pkg", "beta_pkg") if find_spec(name)]
        return f"{before}{', '.join(found)} in {sys.prefix}\\n"
"""


class Image(NamedTuple):
    """A virtual environment that stands for an image.

    Attributes:
        prefix: Its folder.
        package: What only it has.
        version: Of that.
    """

    prefix: Path
    package: str
    version: str

    @property
    def python(self) -> str:
        return str(self.prefix / "bin" / Path(sys.executable).name)

    def told(self) -> str:
        """Return what a node tells that ran in it."""
        return f"{self.package} {self.version} in {self.prefix}\n"


class TwoImages:
    """The images ``alpha:1`` and ``beta:1``, and a pipeline whose three nodes go from one to the other and back.

    Args:
        folder: Holds everything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pipelines = folder / "pipelines"
        self.pipelines.mkdir()
        (self.pipelines / "two_images_pipeline.py").write_text(PIPELINE)
        self.alpha = self._image("alpha", "1.0")
        self.beta = self._image("beta", "2.0")

    def told(self) -> str:
        """Return what the pipeline gives where every node ran in the right image."""
        return self.alpha.told() + self.beta.told() + self.alpha.told()

    def outcome(self, engine: str, nodes: Mapping[str, object] | None = None, **options: object) -> tuple[str, str]:
        """Run the pipeline; gives what it tells, and where it failed, what is said of the second node."""
        assert find_spec("alpha_pkg") is None
        assert find_spec("beta_pkg") is None
        registry = HabitatRegistry(search_path=[])
        registry.register("two-images", "two_images_pipeline:TwoImages")
        sources = ProcessSources(environ=dict(os.environ), working_directory=self.folder)
        client = PipelineServiceClient(store=(self.folder / "store").as_uri(), registry=registry, sources=sources)
        settings: dict[str, Any] = {"engine": engine, "engines": {engine: options}, "nodes": nodes or {}}
        with client.create_session("two-images", settings=settings) as session:
            result = session.run()
            if result.succeeded:
                return str(session.output("//third")), ""
            return "", next(f"{row.state.value}: {row.detail}" for row in result.nodes.values() if row.detail)

    def _image(self, name: str, version: str) -> Image:
        package = f"{name}_pkg"
        files = {
            f"{package}/__init__.py": "",
            f"{package}/places.py": PLACES,
            f"{package}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n",
        }
        prefix = self.folder / name
        new_environment(prefix, files, self.pipelines)
        return Image(prefix, package, version)


def new_environment(prefix: Path, files: Mapping[str, str], *paths: Path, linked: bool = True) -> None:
    """Make a virtual environment with all that this one has, and more.

    Args:
        prefix: Its folder.
        files: What its site-packages hold besides, by name.
        paths: What else its interpreter finds.
        linked: Whether it has what is installed here as a link to its sources, as this project is.
    """
    venv.create(prefix, with_pip=False)
    site = next(prefix.glob("lib/python*/site-packages"))
    ours = sysconfig.get_path("purelib")
    lines = [*map(str, paths), f"import site; site.addsitedir({ours!r})" if linked else ours]
    (site / "ours.pth").write_text("\n".join(lines) + "\n")
    for name, text in files.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text)
