"""A transition as the text of Pacemaker's `transition_graph` element (C16.1, C16.4 to C16.7).

The text is put together as text: going through an element tree costs ten times as much.
"""

from __future__ import annotations

import re

from engine.scheduler.transition import GraphAction, GraphPrimitive, Transition

_SPECIAL = re.compile(r'[&<>"\x00-\x1f\x7f]')
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def transition_to_xml(transition: Transition) -> bytes:
    """The graph as an XML document, one synapse after the other, indented by two blanks."""
    lines = [f"<transition_graph{_pairs(transition.attributes)}>"]
    triggers = {s.action.id: _trigger_text(s.action) for s in transition.synapses}
    for synapse in transition.synapses:
        priority = f' priority="{synapse.priority}"' if synapse.priority > 0 else ""
        lines.append(f'  <synapse id="{synapse.id}"{priority}>\n    <action_set>')
        lines.append(_action_text(synapse.action))
        if synapse.inputs:
            lines.append("    </action_set>\n    <inputs>")
            lines.extend([triggers[number] for number in synapse.inputs])
            lines.append("    </inputs>\n  </synapse>")
        else:
            lines.append("    </action_set>\n    <inputs/>\n  </synapse>")
    lines.append("</transition_graph>\n")
    return "\n".join(lines).encode()


def escape(value: str) -> str:
    """The value as it stands between double quotes in XML."""
    if _SPECIAL.search(value) is None:
        return value
    return _SPECIAL.sub(lambda m: _NAMED.get(m.group()) or f"&#{ord(m.group())};", value)


def _pairs(attributes: dict[str, str]) -> str:
    return "".join([f' {name}="{escape(value)}"' for name, value in attributes.items()])


def _trigger_text(action: GraphAction) -> str:
    return f"      <trigger>\n        <{_head(action)}/>\n      </trigger>"


def _head(action: GraphAction) -> str:
    """Tag and own attributes of the element, in the order of C16.6."""
    mode = f' mode="{action.mode}"' if action.mode else ""
    text = (
        f'{action.tag}{mode} id="{action.id}" operation="{escape(action.operation)}"'
        f' operation_key="{escape(action.key)}"'
    )
    if action.internal_key:
        text += f' internal_operation_key="{escape(action.internal_key)}"'
    if action.node:
        text += f' on_node="{escape(action.node)}" on_node_uuid="{escape(action.node_uuid)}"'
        if action.router_node:
            text += f' router_node="{escape(action.router_node)}"'
    if action.shutdown_lock:
        text += f' shutdown-lock="{action.shutdown_lock}"'
    return text


def _action_text(action: GraphAction) -> str:
    text = f"      <{_head(action)}>\n"
    if action.primitive is not None:
        text += _primitive_text(action.primitive)
    text += _attributes_text(action.attributes)
    if action.downed:
        nodes = "".join([f'<node id="{escape(node)}"/>' for node in action.downed])
        text += f"        <downed>{nodes}</downed>\n"
    if action.maintenance:
        nodes = "".join(
            [
                f'<node id="{escape(node)}" node_in_maintenance="{state}"/>'
                for node, state in action.maintenance
            ]
        )
        text += f"        <maintenance>{nodes}</maintenance>\n"
    return f"{text}      </{action.tag}>"


def _primitive_text(primitive: GraphPrimitive) -> str:
    long_id = f' long-id="{escape(primitive.long_id)}"' if primitive.long_id else ""
    provider = f' provider="{escape(primitive.provider)}"' if primitive.provider else ""
    return (
        f'        <primitive id="{escape(primitive.id)}"{long_id}'
        f' class="{escape(primitive.agent_class)}"{provider} type="{escape(primitive.type)}"/>\n'
    )


def _attributes_text(attributes: dict[str, str]) -> str:
    parts = []
    params = []
    for name in sorted(attributes):
        value = attributes[name]
        if _SPECIAL.search(value) is not None:
            value = escape(value)
        if name[:1].isdigit():
            params.append(f'          <param name="{escape(name)}" value="{value}"/>\n')
        else:
            parts.append(f' {name}="{value}"')
    if params:
        return f"        <attributes{''.join(parts)}>\n{''.join(params)}        </attributes>\n"
    return f"        <attributes{''.join(parts)}/>\n"
