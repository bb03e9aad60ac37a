"""The pages of docs/ are built by Sphinx, with warnings as errors, and tables that repeat the code are current."""

import os
from pathlib import Path

import pytest
from sphinx.application import Sphinx

from oneml.habitats.settings.json_schema import settings_json_schema
from oneml.habitats.settings.models import SESSION_ONLY_NAMES, PipelineSettings

TESTS = Path(__file__).parent
DOCS = TESTS.parent / "docs"


@pytest.mark.filterwarnings("ignore")
def test_pages_are_built_without_a_warning(tmp_path: Path) -> None:
    warnings: list[str] = []

    class Notes:
        def write(self, text: str) -> None:
            warnings.append(text)

        def flush(self) -> None: ...

    app = Sphinx(
        str(DOCS), str(DOCS), str(tmp_path / "html"), str(tmp_path / "trees"), "html", status=None, warning=Notes()
    )
    app.build()
    assert "".join(warnings) == ""
    assert app.statuscode == 0
    built = (tmp_path / "html" / "reference" / "api.html").read_text()
    assert "create_session" in built
    assert "run-pipeline-node" in (tmp_path / "html" / "reference" / "cli.html").read_text()


def test_table_of_settings_is_current() -> None:
    schema = settings_json_schema("any", PipelineSettings, "session")
    properties: dict[str, dict[str, object]] = schema["properties"]  # type: ignore[assignment]  # JSON
    rows = ["| setting | of a node | what it says |", "|---|---|---|"]
    for name, described in sorted(properties.items()):
        if name != "nodes":
            single = "" if name in SESSION_ONLY_NAMES else "yes"
            rows.append(f"| `{name}` | {single} | {described['description']} |")
    page = DOCS / "reference" / "settings.md"
    head, _, _ = page.read_text().partition("| setting |")
    expected = f"{head}{chr(10).join(rows)}\n"
    if os.environ.get("ONEML_WRITE_GOLDEN"):
        page.write_text(expected)
    assert page.read_text() == expected
