"""Numbers in Prometheus' text format. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One number; `name` without the `family` before it, `labels` are pairs in their order."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    kind: str = "gauge"
    family: str = "crmshell"


def metrics_text(metrics: Iterable[Metric]) -> str:
    """The exposition format: help and type once for each name, all numbers of a name together."""
    by_name: dict[str, list[Metric]] = {}
    for metric in metrics:
        by_name.setdefault(f"{metric.family}_{metric.name}", []).append(metric)
    lines: list[str] = []
    for name, found in by_name.items():
        lines += [f"# HELP {name} {_one_line(found[0].help)}", f"# TYPE {name} {found[0].kind}"]
        lines += [f"{name}{_labels(metric)} {_number(metric.value)}" for metric in found]
    return "\n".join(lines) + "\n"


def _labels(metric: Metric) -> str:
    inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in metric.labels)
    return f"{{{inside}}}" if inside else ""


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))


def _escaped(value: str) -> str:
    return _one_line(value).replace('"', '\\"')


def _one_line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
