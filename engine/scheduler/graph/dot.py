"""The actions of a plan and their order as a graph for Graphviz (C17)."""

from __future__ import annotations

from engine.scheduler.graph.action_writer import history_key
from engine.scheduler.model.model import Node
from engine.scheduler.model.order_graph import LOAD, NOTHING, united
from engine.scheduler.planning.action_table import NOTIFY_MARK, OPTIONAL, PSEUDO, Action
from engine.scheduler.planning.plan import Plan

_GOAL_TASKS = frozenset(("start", "promote", "demote", "migrate_from"))


def dot_text(plan: Plan, *, all_actions: bool = False) -> str:
    """Dot text; optional actions and hidden orderings only with `all_actions`."""
    lines = [' digraph "g" {']
    names: dict[int, str] = {}
    shown: set[int] = set()
    for action in plan.actions.all:
        names[action.id] = name_of(action)
        line = _node_line(plan, action, names[action.id], all_actions)
        if line:
            shown.add(action.id)
            lines.append(line)
    for action in plan.actions.all:
        kept = set(plan.kept.get(action.id, ()))
        row = plan.graph.pred.get(action.id, {})
        for first in sorted(row):
            relation = united(row[first]["relations"])
            if first in kept:
                style = "bold"
            elif relation == NOTHING or (first, action.id) in plan.disabled:
                continue
            elif all_actions or (first in shown and action.id in shown and relation != LOAD):
                style = "dashed"
            else:
                continue
            lines.append(f'"{names[first]}" -> "{names[action.id]}" [ style = {style}]')
    lines.append("}\n")
    return "\n".join(lines)


def _node_line(plan: Plan, action: Action, name: str, all_actions: bool) -> str:
    font = "orange" if action.flags & PSEUDO else "black"
    if action.id in plan.kept:
        style, colour = "bold", "green"
    elif action.rsc is not None and not action.rsc.managed:
        style, colour, font = "dashed", "red", "purple"
        if not all_actions:
            return ""
    elif action.flags & OPTIONAL:
        style, colour = "dashed", "blue"
        if not all_actions:
            return ""
    else:
        style, colour = "dashed", "red"
    return f'"{name}" [ style={style} color="{colour}" fontcolor="{font}"]'


def name_of(action: Action) -> str:
    """How an action is called in dot files (C17.2)."""
    host = ""
    node = action.node or _meant_node(action)
    if node is not None:
        host = f" {node.name}"
    elif not action.flags & PSEUDO:
        host = " <none>"
    if action.task == "stonith":
        operation = (action.own_meta or {}).get("stonith_action", "")
        return f"stonith '{operation}'{host}"
    if action.rsc is None:
        return f"{action.task}{host}" if host else action.key
    key = history_key(action, dot=NOTIFY_MARK in action.suffix) or action.key
    if action.task == "cancel":
        return f"Cancel {key}{host}"
    return f"{key}{host}"


def _meant_node(action: Action) -> Node | None:
    """Where an optional action that was made for no node would be done, if it were."""
    rsc = action.rsc
    if action.task not in _GOAL_TASKS or not action.flags & OPTIONAL or rsc is None:
        return None
    is_left = rsc.removed and not rsc.running_on
    return None if is_left or not rsc.managed or rsc.children else rsc.assigned
