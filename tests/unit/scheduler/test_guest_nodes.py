"""Guest nodes before they have ever been up."""

from __future__ import annotations

from engine.scheduler.api import schedule
from tests.unit.scheduler.clusters import NOW, cib, primitive, state

IGNORE = {"no-quorum-policy": "ignore"}
HOST = (
    '<primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain"><meta_attributes id="m">'
    '<nvpair id="m-r" name="remote-node" value="guest1"/></meta_attributes></primitive>'
)


def test_a_guest_that_was_never_up_has_no_name_for_rules() -> None:
    """As Pacemaker 2.1.5 and 3.0.0 do it: built-in attributes come with an entry or a state."""
    rule = (
        '<rsc_location id="l" rsc="a"><rule id="l-r" score="40">'
        '<expression id="l-e" attribute="#uname" operation="eq" value="{}"/></rule></rsc_location>'
    )
    document = cib(
        primitive("a"),
        HOST,
        options=IGNORE,
        constraints=rule.format("guest1") + rule.replace("l-", "k-").format("n2"),
        states=state(1) + state(2),
    )

    decided = schedule(document, NOW)

    guest, member = decided.model.node_named("guest1"), decided.model.node_named("n2")
    resource = decided.model.find("a")
    assert guest is not None
    assert member is not None
    assert resource is not None
    assert resource.allowed[member.index] == 40
    assert resource.allowed[guest.index] == 0
