"""Laws of reading a CIB: whatever the values are, a model comes out, and always the same one."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cib.document import Cib
from engine.scheduler.model.model import INFINITY, Model, leaves
from engine.scheduler.reading.constraints import unpack_constraints
from engine.scheduler.reading.requests import NoActions
from engine.scheduler.reading.unpack import fill_model
from engine.scheduler.views.status_parts import Look
from engine.scheduler.views.status_text import banner_lines, status_lines

VALUES = st.one_of(
    st.sampled_from(
        (
            "true false 0 1 -1 INFINITY -INFINITY 9999999999999999999 PT1M P 10s 1x Started Stopped "
            "Promoted Unpromoted block fence restart ignore stop demote standby #default default red "
            "green nothing quorum unfencing host n1 n2 a b g 2038-01-19 T12:00 freeze suicide %1 ["
        ).split(" ")
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=6),
)
OPTIONS = (
    "no-quorum-policy fencing-enabled stonith-enabled have-watchdog symmetric-cluster shutdown-lock "
    "shutdown-lock-limit maintenance-mode node-health-strategy node-health-red startup-fencing "
    "stop-removed-resources node-pending-timeout placement-strategy priority-fencing-delay"
).split()
META = (
    "priority target-role is-managed maintenance resource-stickiness requires migration-threshold "
    "failure-timeout multiple-active allow-migrate clone-max clone-node-max globally-unique "
    "promotable promoted-max notify interleave ordered remote-node container provides critical"
).split()
FIELDS = ("in_ccm", "crmd", "join", "expected", "uname")
OPERATION = (
    "operation",
    "rc-code",
    "op-status",
    "call-id",
    "interval",
    "last-rc-change",
    "on_node",
)
TASKS = st.sampled_from(
    ("monitor", "start", "stop", "promote", "demote", "migrate_to", "migrate_from", "x")
)
NAMES = st.sampled_from(("a", "a:0", "a:1", "g", "b", "b:3", "c", "old", "bu-0", "vm"))


def pairs(names: list[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(names), VALUES, max_size=4)


def block(tag: str, owner: str, values: dict[str, str]) -> str:
    rows = "".join(
        f"<nvpair id={quoteattr(f'{owner}{n}')} name={quoteattr(n)} value={quoteattr(v)}/>"
        for n, v in values.items()
    )
    return f'<{tag} id="{owner}-{tag}">{rows}</{tag}>'


@st.composite
def operations(draw: st.DrawFn) -> str:
    task = draw(TASKS)
    rc = draw(st.sampled_from((0, 1, 2, 5, 6, 7, 8, 9, 190, 193)))
    expected = draw(st.sampled_from((0, 7, 8)))
    values = {
        "id": f"{draw(NAMES)}_{draw(st.sampled_from(('last_0', 'last_failure_0', 'x')))}",
        "operation": task,
        "operation_key": f"a_{task}_0",
        "rc-code": str(rc),
        "op-status": draw(st.sampled_from(("0", "4", "-1", "2", "5", "7", "8"))),
        "call-id": str(draw(st.integers(-1, 9))),
        "interval": draw(st.sampled_from(("0", "10000"))),
        "transition-key": f"1:{draw(st.integers(-1, 9))}:{expected}:u",
        "migrate_source": draw(st.sampled_from(("n1", "n2"))),
        "migrate_target": draw(st.sampled_from(("n1", "n2", "n9"))),
    } | draw(st.dictionaries(st.sampled_from(OPERATION), VALUES, max_size=1))
    return f"<lrm_rsc_op {' '.join(f'{n}={quoteattr(v)}' for n, v in values.items())}/>"


@st.composite
def states(draw: st.DrawFn, number: int) -> str:
    fields = {
        "in_ccm": "true",
        "crmd": "online",
        "join": "member",
        "expected": "member",
        "uname": f"n{number}",
    } | draw(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=1))
    entries = draw(st.lists(st.tuples(NAMES, st.lists(operations(), max_size=4)), max_size=5))
    rows = "".join(
        f'<lrm_resource id="{name}" class="ocf" provider="pacemaker" type="Dummy">'
        f"{''.join(ops)}</lrm_resource>"
        for name, ops in entries
    )
    names = [
        "standby",
        "shutdown",
        "terminate",
        "fail-count-a#monitor_0",
        "#health-x",
        "maintenance",
    ]
    attributes = block("instance_attributes", f"t{number}", draw(pairs(names)))
    words = " ".join(f"{n}={quoteattr(v)}" for n, v in fields.items())
    return (
        f'<node_state id="{number}" {words}><transient_attributes id="{number}">{attributes}'
        f'</transient_attributes><lrm id="{number}"><lrm_resources>{rows}</lrm_resources></lrm>'
        "</node_state>"
    )


@st.composite
def clusters(draw: st.DrawFn) -> bytes:
    def dummy(name: str) -> str:
        op = draw(
            st.dictionaries(st.sampled_from(("on-fail", "timeout", "role", "enabled")), VALUES)
        )
        words = " ".join(f"{n}={quoteattr(v)}" for n, v in op.items())
        return (
            f'<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy">'
            f"{block('meta_attributes', name, draw(pairs(META)))}<operations>"
            f'<op id="{name}-op" name="monitor" interval="10s" {words}/></operations></primitive>'
        )

    bundle = (
        '<bundle id="bu"><docker image="i" replicas="2" replicas-per-host="1"/>'
        f"<network control-port={quoteattr(draw(VALUES))}/>{dummy('d')}</bundle>"
    )
    resources = [
        dummy("vm"),
        f'<clone id="cl">{block("meta_attributes", "cl", draw(pairs(META)))}{dummy("a")}</clone>',
        f'<group id="g">{dummy("b")}{dummy("c")}</group>',
        bundle,
    ]
    names = st.sampled_from(("vm", "cl", "g", "a", "bu", "nobody"))
    constraints = (
        f'<rsc_colocation id="k" rsc="{draw(names)}" with-rsc="{draw(names)}" score={quoteattr(draw(VALUES))}/>'
        f'<rsc_order id="o" first="{draw(names)}" then="{draw(names)}" kind={quoteattr(draw(VALUES))}/>'
        f'<rsc_location id="l" rsc-pattern={quoteattr(draw(VALUES))} node="n1" score={quoteattr(draw(VALUES))}/>'
        f'<rsc_ticket id="t" ticket="T" rsc="{draw(names)}" loss-policy={quoteattr(draw(VALUES))}/>'
    )
    options = block("cluster_property_set", "cib-bootstrap-options", draw(pairs(OPTIONS)))
    quorum = draw(st.sampled_from(("0", "1")))
    text = (
        f'<cib have-quorum="{quorum}" validate-with="pacemaker-3.9"><configuration>'
        f'<crm_config>{options}</crm_config><nodes><node id="1" uname="n1"/><node id="2" uname="n2"/>'
        f"</nodes><resources>{''.join(resources)}</resources><constraints>{constraints}</constraints>"
        f"</configuration><status>{draw(states(1))}{draw(states(2))}</status></cib>"
    )
    return text.encode()


def read(data: bytes) -> tuple[Model, list[str]]:
    model = Model(1_700_000_000)
    unpack_constraints(fill_model(Cib.from_bytes(data), model, requests=NoActions()))
    return model, banner_lines(model) + status_lines(model, Look(pending=True))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(clusters())
def test_any_values_give_a_model_and_a_status_text(data: bytes) -> None:
    model, lines = read(data)
    assert lines
    for top in model.resources:
        for leaf in leaves(top):
            assert all(-INFINITY <= score <= INFINITY for score in leaf.allowed.values())
            assert len(leaf.running_on) == len(set(map(id, leaf.running_on)))
            assert leaf in model.find_all(leaf.id)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(clusters())
def test_reading_twice_gives_the_same_text_and_leaves_the_input_alone(data: bytes) -> None:
    document = Cib.from_bytes(data)
    before = document.to_bytes()
    texts = []
    for _ in range(2):
        model = Model(1_700_000_000)
        fill_model(document, model, requests=NoActions())
        texts.append(status_lines(model, Look()))
    assert texts[0] == texts[1]
    assert document.to_bytes() == before
