"""Small CIBs for tests: a handful of words instead of pages of XML."""

from __future__ import annotations

from engine.cib.document import Cib
from engine.scheduler.model.model import Model
from engine.scheduler.reading.requests import ActionRequests
from engine.scheduler.reading.unpack import unpack_cib

NOW = 1_700_000_000


def nvpairs(tag: str, owner: str, pairs: dict[str, str]) -> str:
    """One block of name/value pairs, or nothing."""
    if not pairs:
        return ""
    rows = "".join(
        f'<nvpair id="{owner}-{tag}-{name}" name="{name}" value="{value}"/>'
        for name, value in pairs.items()
    )
    return f'<{tag} id="{owner}-{tag}">{rows}</{tag}>'


def primitive(name: str, agent: str = "ocf:pacemaker:Dummy", ops: str = "", **meta: str) -> str:
    """A primitive; underscores in names of meta attributes stand for dashes."""
    parts = agent.split(":")
    provider = f' provider="{parts[1]}"' if len(parts) == 3 else ""
    table = {key.replace("_", "-"): value for key, value in meta.items()}
    operations = f"<operations>{ops}</operations>" if ops else ""
    return (
        f'<primitive id="{name}" class="{parts[0]}"{provider} type="{parts[-1]}">'
        f"{nvpairs('meta_attributes', name, table)}{operations}</primitive>"
    )


def clone(name: str, child: str, **meta: str) -> str:
    table = {key.replace("_", "-"): value for key, value in meta.items()}
    return f'<clone id="{name}">{nvpairs("meta_attributes", name, table)}{child}</clone>'


def group(name: str, *members: str) -> str:
    return f'<group id="{name}">{"".join(members)}</group>'


def op(
    resource: str,
    task: str,
    rc: int = 0,
    *,
    call: int = 1,
    interval: int = 0,
    expected: int | None = None,
    status: int | None = None,
    entry_id: str = "",
    **further: str,
) -> str:
    """One `lrm_rsc_op`; the status follows from the exit code unless it is given.

    In names of further attributes `_` stands for a dash and `__` for an underscore.
    """
    wanted = expected if expected is not None else (7 if task == "monitor" and not interval else 0)
    done = status if status is not None else (0 if rc == wanted else 4)
    key = f"{call}:1:{wanted}:aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
    more = "".join(
        f' {name.replace("__", "~").replace("_", "-").replace("~", "_")}="{value}"'
        for name, value in further.items()
    )
    return (
        f'<lrm_rsc_op id="{entry_id or f"{resource}_{task}_{interval}"}"'
        f' operation_key="{resource}_{task}_{interval}" operation="{task}" interval="{interval}"'
        f' call-id="{call}" rc-code="{rc}" op-status="{done}" transition-key="{key}"'
        f' transition-magic="{done}:{rc};{key}"{more}/>'
    )


def history(resource: str, *ops: str, agent: str = "ocf:pacemaker:Dummy") -> str:
    parts = agent.split(":")
    provider = f' provider="{parts[1]}"' if len(parts) == 3 else ""
    return (
        f'<lrm_resource id="{resource}" class="{parts[0]}"{provider} type="{parts[-1]}">'
        f"{''.join(ops)}</lrm_resource>"
    )


def state(
    number: int,
    *histories: str,
    attributes: dict[str, str] | None = None,
    **fields: str,
) -> str:
    """The state of node number N (`n1` …), a healthy member unless `fields` say otherwise."""
    values = {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"} | fields
    words = "".join(f' {name}="{value}"' for name, value in values.items() if value)
    transient = nvpairs("instance_attributes", f"t{number}", attributes or {})
    lrm = f'<lrm id="{number}"><lrm_resources>{"".join(histories)}</lrm_resources></lrm>'
    return (
        f'<node_state id="{number}" uname="n{number}"{words}>'
        f"<transient_attributes id='{number}'>{transient}</transient_attributes>{lrm}</node_state>"
    )


def cib(
    *resources: str,
    nodes: int = 3,
    options: dict[str, str] | None = None,
    constraints: str = "",
    states: str | None = None,
    further: str = "",
    quorate: bool = True,
) -> Cib:
    """A CIB with nodes n1 … and, unless `states` is given, all of them healthy members."""
    values = {"fencing-enabled": "false"} | (options or {})
    members = "".join(f'<node id="{n}" uname="n{n}"/>' for n in range(1, nodes + 1))
    status = "".join(state(n) for n in range(1, nodes + 1)) if states is None else states
    text = (
        f'<cib have-quorum="{int(quorate)}" validate-with="pacemaker-3.9" dc-uuid="1">'
        f"<configuration><crm_config>{nvpairs('cluster_property_set', 'cib-bootstrap-options', values)}"
        f"</crm_config><nodes>{members}</nodes><resources>{''.join(resources)}</resources>"
        f"<constraints>{constraints}</constraints>{further}</configuration>"
        f"<status>{status}</status></cib>"
    )
    return Cib.from_bytes(text.encode())


def model_of(document: Cib, requests: ActionRequests | None = None) -> Model:
    """The model of the CIB at `NOW`."""
    return unpack_cib(document, NOW, requests=requests)
