"""What `save` writes is read back as it was: ids, comments, odd values, words that look like rules."""

from __future__ import annotations

import pytest
from lxml import etree

from crmshell.pending.changes import PendingCib
from crmshell.pending.listing import Listing, configuration_text
from crmshell.pending.textedit import load_text
from engine.cib.document import Cib, empty_cib

SAVED = Listing("cib", all_ids=True)
SHOWN = Listing("kind")
RULE = (
    '<rule id="r" score="INFINITY"><date_expression id="e" operation="in_range"'
    ' start="2030-01-01" end="2031-01-01"/></rule>'
)
PRIMITIVE = '<primitive id="p" class="ocf" provider="x" type="y">{0}</primitive>'


def cib_with(resources: str = "", constraints: str = "", head: str = "") -> Cib:
    return Cib.from_bytes(
        f'<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">'
        f"<configuration>{head}<crm_config/><nodes/><resources>{resources}</resources>"
        f"<constraints>{constraints}</constraints></configuration><status/></cib>".encode()
    )


def text_of(cib: Cib, listing: Listing = SAVED) -> str:
    pending = PendingCib(cib)
    return configuration_text(pending, pending.everything(), listing)


def reloaded(cib: Cib, listing: Listing = SAVED) -> Cib:
    target = PendingCib(empty_cib())
    load_text(target, text_of(cib, listing).split("\n"), "saved", "replace")
    return target.cib


def section(cib: Cib, name: str) -> str:
    found = cib.configuration.find(name)
    assert found is not None
    return etree.tostring(found, method="c14n").decode()


@pytest.mark.parametrize(
    "resources",
    [
        PRIMITIVE.format(
            '<instance_attributes id="i"><nvpair id="own" name="flag"/></instance_attributes>'
        ),
        PRIMITIVE.format(
            f'<instance_attributes id="i">{RULE}<nvpair id="i-start" name="start" value="1"/>'
            '<nvpair id="i-or" name="or"/></instance_attributes>'
        ),
        *(
            PRIMITIVE.format(
                f'<instance_attributes id="i"><nvpair id="i-x" name="x" value="a{code}b"/>'
                "</instance_attributes>"
            )
            for code in ("&#10;", "&#13;", "&#9;", "&#x85;", "&#x2028;", "&#xA0;", "\\", "\\&quot;")
        ),
    ],
)
def test_odd_parts_come_back_with_their_ids(resources: str) -> None:
    cib = cib_with(resources)
    assert section(reloaded(cib), "resources") == section(cib, "resources")


@pytest.mark.parametrize("listing", [SAVED, SHOWN])
def test_two_sets_of_one_resource_stay_sets(listing: Listing) -> None:
    sets = (
        '<resource_set id="o-0"><resource_ref id="p"/></resource_set>'
        '<resource_set id="o-1" action="promote"><resource_ref id="q"/></resource_set>'
    )
    resources = PRIMITIVE.format("") + PRIMITIVE.format("").replace('"p"', '"q"')
    cib = cib_with(resources, f'<rsc_order id="o" kind="Optional">{sets}</rsc_order>')
    assert section(reloaded(cib, listing), "constraints") == section(cib, "constraints")


def test_comments_outside_of_objects_are_saved_once() -> None:
    cib = cib_with(
        '<group id="g"><!-- the first --><primitive id="a" class="lsb" type="a"/></group>'
        "<!-- at the end -->",
        head="<!-- about\n  all of it -->",
    )
    comments = ["# about", "# all of it", "# the first", "# at the end"]
    text = text_of(cib)
    assert [line for line in text.split("\n") if line.startswith("#")] == comments
    again = text_of(reloaded(cib))
    assert sorted(line for line in again.split("\n") if line[:1] == "#") == sorted(comments)
    assert "# about" not in text_of(cib, SHOWN)


@pytest.mark.parametrize("listing", [SAVED, SHOWN])
def test_a_rule_of_a_property_set_is_not_added_again(listing: Listing) -> None:
    rule = RULE.replace("<rule", '<rule boolean-op="and"')
    cib = cib_with()
    (section_of_sets,) = cib.configuration.findall("crm_config")
    section_of_sets.append(
        etree.fromstring(f'<cluster_property_set id="s">{rule}</cluster_property_set>')
    )
    target = PendingCib(cib.copy())
    load_text(target, text_of(cib, listing).split("\n"), "saved", "update")
    assert section(target.cib, "crm_config") == section(cib, "crm_config")
