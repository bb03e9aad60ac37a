"""Settings of Sphinx: `make docs` builds these pages, with warnings as errors."""

from importlib import metadata

import click

from oneml.habitats.cli import oneml

project = "oneml-habitats"
author = "The oneml-habitats authors"
project_copyright = author
release = metadata.version("oneml-habitats")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"oneml-habitats {release}"

myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
add_module_names = False
python_use_unqualified_type_names = True


def load_commands(group: click.Group) -> None:
    """Import every command: of a group with some of them loaded, sphinx-click shows these alone."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            load_commands(command)


load_commands(oneml)
