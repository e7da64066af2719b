"""A transition as the text of Pacemaker's `transition_graph` element (C16.1, C16.4 to C16.7).

The text is put together as text: going through an element tree costs ten times as much. Names and
values repeat by the thousand, so their escaped forms, and the order of the attributes of each kind
of action, are worked out once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.scheduler.model.transition import GraphAction, GraphPrimitive, Transition

_SPECIAL = re.compile(r'[&<>"\x00-\x1f\x7f]')
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_LINES_OF_PIECE = 1000
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z", re.ASCII)


def transition_to_xml(transition: Transition) -> bytes:
    """The graph as an XML document, one synapse after the other, indented by two blanks."""
    return b"".join(transition_pieces(transition))


def transition_pieces(transition: Transition) -> Iterator[bytes]:
    """The same document in pieces, for who writes it out without holding all of it."""
    lines: list[str] = []
    for line in _Writer().lines(transition):
        lines.append(line)
        if len(lines) >= _LINES_OF_PIECE:
            lines.append("")
            yield "\n".join(lines).encode()
            lines.clear()
    lines.append("")
    yield "\n".join(lines).encode()


def escape(value: str) -> str:
    """The value as it stands between double quotes in XML."""
    if _SPECIAL.search(value) is None:
        return value
    return _SPECIAL.sub(lambda m: _NAMED.get(m.group()) or f"&#{ord(m.group())};", value)


class _Escaped(dict[str, str]):
    """Escaped forms of texts, worked out when first asked for."""

    def __missing__(self, text: str) -> str:
        found = self[text] = escape(text)
        return found


class _Writer:
    """Writes one transition."""

    __slots__ = ("_escaped", "_layouts")

    def __init__(self) -> None:
        self._escaped = _Escaped()
        self._layouts: dict[tuple[str, ...], tuple[list[tuple[str, str]], list[str]]] = {}

    def lines(self, transition: Transition) -> Iterator[str]:
        yield f"<transition_graph{self._pairs(transition.attributes)}>"
        heads = {s.action.id: self._head(s.action) for s in transition.synapses}
        for synapse in transition.synapses:
            priority = f' priority="{synapse.priority}"' if synapse.priority > 0 else ""
            yield f'  <synapse id="{synapse.id}"{priority}>\n    <action_set>'
            yield self._action(synapse.action, heads[synapse.action.id])
            if synapse.inputs:
                yield "    </action_set>\n    <inputs>"
                for number in synapse.inputs:
                    yield f"      <trigger>\n        <{heads[number]}/>\n      </trigger>"
                yield "    </inputs>\n  </synapse>"
            else:
                yield "    </action_set>\n    <inputs/>\n  </synapse>"
        yield "</transition_graph>"

    def _pairs(self, attributes: dict[str, str]) -> str:
        escaped = self._escaped
        return "".join([f' {name}="{escaped[value]}"' for name, value in attributes.items()])

    def _head(self, action: GraphAction) -> str:
        """Tag and own attributes of the element, in the order of C16.6."""
        escaped = self._escaped
        mode = f' mode="{action.mode}"' if action.mode else ""
        text = (
            f'{action.tag}{mode} id="{action.id}" operation="{escaped[action.operation]}"'
            f' operation_key="{escape(action.key)}"'
        )
        if action.internal_key:
            text += f' internal_operation_key="{escape(action.internal_key)}"'
        if action.node:
            text += f' on_node="{escaped[action.node]}" on_node_uuid="{escaped[action.node_uuid]}"'
            if action.router_node:
                text += f' router_node="{escaped[action.router_node]}"'
        return text

    def _action(self, action: GraphAction, head: str) -> str:
        escaped = self._escaped
        lock = f' shutdown-lock="{action.shutdown_lock}"' if action.shutdown_lock else ""
        parts = [f"      <{head}{lock}>\n"]
        if action.primitive is not None:
            parts.append(self._primitive(action.primitive))
        parts.append(self._attributes(action.attributes))
        if action.downed:
            nodes = "".join([f'<node id="{escaped[node]}"/>' for node in action.downed])
            parts.append(f"        <downed>{nodes}</downed>\n")
        if action.maintenance:
            nodes = "".join(
                [
                    f'<node id="{escaped[node]}" node_in_maintenance="{state}"/>'
                    for node, state in action.maintenance
                ]
            )
            parts.append(f"        <maintenance>{nodes}</maintenance>\n")
        parts.append(f"      </{action.tag}>")
        return "".join(parts)

    def _primitive(self, primitive: GraphPrimitive) -> str:
        escaped = self._escaped
        long_id = f' long-id="{escaped[primitive.long_id]}"' if primitive.long_id else ""
        provider = f' provider="{escaped[primitive.provider]}"' if primitive.provider else ""
        return (
            f'        <primitive id="{escaped[primitive.id]}"{long_id}'
            f' class="{escaped[primitive.agent_class]}"{provider}'
            f' type="{escaped[primitive.type]}"/>\n'
        )

    def _attributes(self, attributes: dict[str, str]) -> str:
        names = tuple(attributes)
        layout = self._layouts.get(names)
        if layout is None:
            layout = self._layouts[names] = _layout(names)
        plain, others = layout
        escaped = self._escaped
        text = "".join([f'{prefix}{escaped[attributes[name]]}"' for name, prefix in plain])
        if not others:
            return f"        <attributes{text}/>\n"
        params = "".join(
            [
                f'          <param name="{escaped[name]}" value="{escaped[attributes[name]]}"/>\n'
                for name in others
            ]
        )
        return f"        <attributes{text}>\n{params}        </attributes>\n"


def _layout(names: tuple[str, ...]) -> tuple[list[tuple[str, str]], list[str]]:
    """Names in the order of writing: those that XML takes as attributes, and the others."""
    ordered = sorted(names)
    plain = [(name, f' {name}="') for name in ordered if _ATTRIBUTE_NAME.match(name)]
    return plain, [name for name in ordered if not _ATTRIBUTE_NAME.match(name)]
