"""The layers of a session: ``--settings FILE``, what code gives, and ``--set``, for the session and for its nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, cast, get_args

from oneml.habitats.errors import InvalidNodePathError, SettingsError
from oneml.habitats.settings.calling import calling_place
from oneml.habitats.settings.layers import Layer, LayerValues
from oneml.habitats.settings.models import (
    PipelineNodeSettings,
    PipelineSessionSettings,
    PipelineSettings,
    json_tree,
)
from oneml.habitats.settings.shapes import (
    Setting,
    SettingName,
    dotted,
    find_setting,
    members_of,
    merged,
    nested,
    plain_type,
)
from oneml.habitats.settings.text_values import text_value
from oneml.habitats.settings.toml_files import TomlFile, read_toml, unreadable
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath, parse_node_path
from oneml.habitats.values.setting_problem import SettingProblem

NODES_TABLE = "nodes"

SHOWN_MAX_CHARACTERS = 80
"""Of an assignment, where it is told as the place of a value."""

_ANYTHING: object = str | object
"""What is no JSON is a text."""


@dataclass(slots=True)
class SessionLayers:
    """What one source gives for a session and for its nodes."""

    session: LayerValues | None = None
    nodes: dict[NodePath, LayerValues] = field(default_factory=dict[NodePath, LayerValues])
    errors: list[SettingsError] = field(default_factory=list[SettingsError])
    node_errors: list[tuple[NodePath, SettingsError]] = field(default_factory=list[tuple[NodePath, SettingsError]])
    """What is wrong with entries for nodes, which need not be about this model."""


def code_layers(settings: PipelineSessionSettings | Mapping[str, object] | None) -> SessionLayers:
    """Return what code gave: a model, or a mapping of reserved and own fields, and ``nodes``, side by side.

    Raises:
        SettingsError: A value has no form in JSON, or is a secret itself.
        InvalidNodePathError: A key of ``nodes`` is no path.
    """
    found = SessionLayers()
    if settings is None:
        return found
    if isinstance(settings, PipelineSessionSettings):
        place, values, nodes = settings.source, settings.entries(), cast("object", settings.nodes)
    else:
        place = calling_place()
        if not isinstance(settings, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # authors without a checker
            rule = f"settings are a mapping, or PipelineSessionSettings(...); not {type(settings).__qualname__}"
            raise SettingsError(problems=(SettingProblem("settings", rule, place),))
        nodes = settings.get(NODES_TABLE, {})
        values = json_tree({name: value for name, value in settings.items() if name != NODES_TABLE}, source=place)
    found.session = _code_layer(values, place)
    for text, entry in _tables(nodes, place).items():
        path = parse_node_path(text)
        if isinstance(entry, PipelineNodeSettings):
            found.nodes[path] = _code_layer(entry.entries(), entry.source, path)
        else:
            found.nodes[path] = _code_layer(json_tree(_table(entry, path, place), source=place), place, path)
    return found


def file_layers(path: Path | None) -> SessionLayers:
    """Return what the file of ``--settings`` gives.

    Raises:
        SettingsError: There is none, it cannot be read, or a table in it cannot be one.
    """
    found = SessionLayers()
    if path is None:
        return found
    # Absolute, so that what is recorded leads to the file from everywhere.
    path = path.absolute()
    file = read_toml(path)
    if file is None:
        raise unreadable(path, "there is no such file")
    values = {name: value for name, value in file.tables.items() if name != NODES_TABLE}
    found.session = _file_layer(file, (), values)
    for text, entry in _tables(file.tables.get(NODES_TABLE, {}), str(path)).items():
        base = (NODES_TABLE, text)
        try:
            node = parse_node_path(text)
            found.nodes[node] = _file_layer(file, base, _table(entry, text, str(path)), node)
        except InvalidNodePathError as error:
            problem = SettingProblem(text, str(error), file.place(base))
            found.errors.append(SettingsError(problems=(problem,)))
    return found


class Assignment(NamedTuple):
    """One ``--set``, taken apart.

    Attributes:
        node: The path before the colon, or None.
        name: The setting.
        text: What stands behind the first ``=``.
    """

    node: NodePath | None
    name: SettingName
    text: str


def parse_assignment(text: str) -> Assignment:
    """Take ``a.b=c`` or ``//train:a.b=c`` apart: at the first ``=``, and before it at the first ``:``.

    Raises:
        SettingsError: It is neither.
        InvalidNodePathError: What stands before the colon is no path.
    """
    target, equals, value = text.partition("=")
    node: NodePath | None = None
    name = target
    if target.startswith("/"):
        path, _, name = target.partition(":")
        if name:
            node = parse_node_path(path)
    segments = tuple(segment.strip() for segment in name.split("."))
    if not equals or not all(segments):
        # Where the name ends cannot be told, and a secret may stand behind it, so that nothing is shown.
        rule = "an assignment has no name or no value: write --set NAME=VALUE, or --set //NODE:NAME=VALUE"
        raise SettingsError(problems=(SettingProblem("--set", f"--set: {rule}"),))
    return Assignment(node, segments, value)


def assignment_layers(model: type[PipelineSettings], assignments: Sequence[str]) -> SessionLayers:
    """Return what the assignments of ``--set`` give; of two for one setting the later one counts."""
    found = SessionLayers()
    trees: dict[NodePath | None, dict[str, JsonValue]] = {}
    sources: dict[NodePath | None, dict[str, str]] = {}
    for text in assignments:
        assignment: Assignment | None = None
        try:
            assignment = parse_assignment(text)
            setting, keys = _target(model, assignment.name, f"--set {text.partition('=')[0]}")
            shown = f"--set {text.partition('=')[0]}=..." if setting.hides else f"--set {_begun(text)}"
            value = _assigned(setting, keys, assignment, shown)
        except SettingsError as error:
            if assignment is None or assignment.node is None:
                found.errors.append(error)
            else:
                found.node_errors.append((assignment.node, error))
        except InvalidNodePathError as error:
            found.errors.append(SettingsError(problems=(SettingProblem(text.partition("=")[0], str(error), "--set"),)))
        else:
            tree = trees.get(assignment.node, {})
            above = merged(model, tree, nested(assignment.name, value))
            trees[assignment.node] = _placed(tree, assignment.name, value) if keys else above
            name = assignment.name[: len(assignment.name) - len(keys)]
            sources.setdefault(assignment.node, {})[dotted(name)] = shown
    for node, tree in trees.items():
        layer = LayerValues(layer=Layer.SET, values=tree, sources=sources[node], node=node)
        if node is None:
            found.session = layer
        else:
            found.nodes[node] = layer
    return found


def _begun(text: str) -> str:
    """Return an assignment as a place shows it: of a long one the beginning."""
    return text if len(text) <= SHOWN_MAX_CHARACTERS else f"{text[: SHOWN_MAX_CHARACTERS - 3]}..."


def _target(model: type[PipelineSettings], name: SettingName, source: str) -> tuple[Setting, SettingName]:
    """Return the setting that is assigned to, and the keys inside it where it is, or holds, a mapping."""
    known = next((length for length in range(len(name), 0, -1) if _is_known(model, name[:length])), 0)
    if 0 < known < len(name):
        above = find_setting(model, name[:known])
        if _type_at(above.annotation, name[known:]) is not None:
            return above, name[known:]
    return find_setting(model, name, source=source), ()


def _type_at(annotation: object, keys: SettingName) -> object:
    """Return the type of what stands at ``keys`` in a value of the type ``annotation``; None where nothing can."""
    for _ in keys:
        if annotation is object:
            return object
        kinds = [kind for kind in members_of(annotation) if issubclass(plain_type(kind) or object, Mapping)]
        if not kinds:
            return None
        arguments = get_args(kinds[0])
        annotation = cast("object", arguments[-1]) if arguments else object
    return annotation


def _placed(tree: Mapping[str, JsonValue], name: SettingName, value: JsonValue) -> dict[str, JsonValue]:
    """Return ``tree`` with ``value`` at ``name``, and everything beside it as it was."""
    first, *rest = name
    if rest:
        below = tree.get(first)
        value = _placed(below if isinstance(below, Mapping) else {}, tuple(rest), value)
    return {**tree, first: value}


def _is_known(model: type[PipelineSettings], name: SettingName) -> bool:
    try:
        find_setting(model, name)
    except SettingsError:
        return False
    return True


def _assigned(setting: Setting, keys: SettingName, assignment: Assignment, shown: str) -> JsonValue:
    annotation = _type_at(setting.annotation, keys)
    if annotation is object:
        annotation = _ANYTHING
    try:
        if setting.secret and not keys:
            return None if setting.optional and assignment.text == "null" else assignment.text
        return text_value(annotation, assignment.text)
    except ValueError as error:
        name = ".".join(assignment.name)
        raise SettingsError(problems=(SettingProblem(name, f"{name}: {error}", shown),)) from None


def _code_layer(values: Mapping[str, JsonValue], place: str, node: NodePath | None = None) -> LayerValues:
    def here(_: SettingName) -> str:
        return place or Layer.CODE.value

    return LayerValues(layer=Layer.CODE, values=values, locate=here, node=node)


def _file_layer(
    file: TomlFile, base: SettingName, values: Mapping[str, object], node: NodePath | None = None
) -> LayerValues:
    return LayerValues(
        layer=Layer.SETTINGS_FILE,
        values=json_tree(values, source=str(file.path)),
        locate=file.places_below(base),
        node=node,
    )


def _tables(nodes: object, source: str) -> Mapping[str, object]:
    if not isinstance(nodes, Mapping):
        problem = SettingProblem(NODES_TABLE, f"{NODES_TABLE}: must be a table of node paths", source)
        raise SettingsError(problems=(problem,))
    return cast("Mapping[str, object]", nodes)


def _table(entry: object, path: str, source: str) -> Mapping[str, object]:
    if not isinstance(entry, Mapping):
        problem = SettingProblem(path, f"{path}: must be a table of settings", source)
        raise SettingsError(problems=(problem,))
    return cast("Mapping[str, object]", entry)
