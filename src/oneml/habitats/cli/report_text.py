"""The report on a habitat as people read it: what is wrong, part by part."""

from collections.abc import Iterator

from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.validation import Finding, Part, ValidationReport


def report_lines(report: ValidationReport) -> Iterator[str]:
    """Give the lines of a report: a head, and each finding below the part that it is about."""
    nodes = "" if report.node_count is None else f"{report.node_count} node{'s' * (report.node_count != 1)}, "
    count = len(report.problems)
    found = "no problem found" if not count else "a problem" if count == 1 else f"{count} problems"
    yield f"{report.habitat}: {nodes}{found}"
    for part in Part:
        findings = [finding for finding in report.problems if finding.part is part]
        if findings:
            yield f"  {part}"
        for finding in findings:
            yield from _lines(finding)
    if report.remarks:
        yield "  worth knowing"
    for remark in report.remarks:
        yield from _lines(remark)
    if report.unchecked:
        yield f"  Not checked: {'; '.join(report.unchecked)}."


def _lines(finding: Finding) -> Iterator[str]:
    first, *rest = str(finding).splitlines()
    yield f"    {first}"
    for line in rest:
        yield f"      {line.strip()}"


def report_fields(report: ValidationReport) -> JsonObject:
    """Return a report as members of a document."""
    return {
        "habitat": report.habitat,
        "node_count": report.node_count,
        "exit_code": report.exit_code,
        "problems": [_fields(finding) for finding in report.problems],
        "remarks": [_fields(finding) for finding in report.remarks],
        "unchecked": list(report.unchecked),
    }


def _fields(finding: Finding) -> JsonObject:
    place = finding.place
    return {
        "part": finding.part.value,
        "message": finding.message,
        "place": None if place is None else {"file": place.file, "line": place.line},
        "source": finding.source or None,
        "nodes": list(finding.nodes),
    }
