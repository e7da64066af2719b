"""Every reader of a cluster option agrees with the scheduler, however the sets are written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from engine.cib.cluster_options import options_in_force
from engine.cib.document import Cib
from engine.cib.options import CLUSTER_OPTIONS
from engine.controller.options import controller_options
from engine.scheduler.reading.unpack import unpack_cib

NOW = 1_700_000_000.0
RULES = {
    "": "",
    "never": '<rule id="{id}-r" boolean-op="and"><date_expression id="{id}-e" operation="lt" end="2001-01-01"/></rule>',
    "always": '<rule id="{id}-r" boolean-op="and"><date_expression id="{id}-e" operation="gt" start="2001-01-01"/></rule>',
}
NAMES = ("fencing-enabled", "stonith-enabled", "stonith_enabled", "dc-deadtime", "dc_deadtime",
         "start-failure-is-fatal", "stonith-action", "stonith-timeout", "fencing-max-attempts",
         "cluster-delay", "cluster-recheck-interval", "crmd-transition-delay", "transition-delay")  # fmt: skip
VALUES = ("true", "false", "on", "OFF", "y", "n", "maybe", "", "#default", "off", "poweroff", "reboot",
          "0", "7", "-3", "20s", "2min", "PT5M", "1.5", "INFINITY")  # fmt: skip

a_set = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["cib-bootstrap-options", "weekend", "a", "z"]),
        "score": st.sampled_from(["", "0", "10", "-5", "INFINITY", "x"]),
        "rule": st.sampled_from(sorted(RULES)),
        "pairs": st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4),
    }
)


def cib_with(sets: list[dict[str, object]], schema: str) -> etree._Element:
    cib = etree.fromstring(
        f'<cib validate-with="{schema}" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config/>'
        "<nodes/><resources/><constraints/></configuration><status/></cib>"
    )
    section = cib.find("configuration/crm_config")
    assert section is not None
    for number, one in enumerate(sets):
        holder = etree.SubElement(section, "cluster_property_set", id=str(one["id"]))
        if one["score"]:
            holder.set("score", str(one["score"]))
        rule = RULES[str(one["rule"])].format(id=f"s{number}")
        if rule:
            holder.append(etree.fromstring(rule))
        pairs = one["pairs"]
        assert isinstance(pairs, list)
        for index, (name, value) in enumerate(pairs):
            etree.SubElement(holder, "nvpair", id=f"s{number}-{index}", name=name, value=value)
    return cib


@given(
    st.lists(a_set, max_size=4),
    st.sampled_from(["pacemaker-1.2", "pacemaker-3.9", "pacemaker-4.0", "none"]),
)
def test_the_controller_reads_what_the_scheduler_reads(
    sets: list[dict[str, object]], schema: str
) -> None:
    root = cib_with(sets, schema)
    planned = unpack_cib(Cib(root), NOW).options
    obeyed = controller_options(root, NOW)
    assert obeyed.fencing_enabled == planned.fencing_enabled
    assert obeyed.fencing_action == planned.fencing_action
    assert obeyed.fencing_timeout * 1000 == planned.fencing_timeout
    assert obeyed.start_is_fatal == planned.start_failure_is_fatal
    assert obeyed.cluster_delay * 1000 == planned.cluster_delay


def test_a_set_that_is_not_in_force_does_not_switch_fencing_off() -> None:
    sets: list[dict[str, object]] = [
        {"id": "weekend", "score": "", "rule": "never", "pairs": [("stonith-enabled", "false")]},
        {
            "id": "cib-bootstrap-options",
            "score": "",
            "rule": "",
            "pairs": [("stonith-enabled", "true")],
        },
    ]
    root = cib_with(sets, "pacemaker-3.9")
    assert options_in_force(root, NOW).flag("fencing-enabled")
    assert controller_options(root, NOW).fencing_enabled


def test_an_invalid_value_leaves_the_default_in_force() -> None:
    sets: list[dict[str, object]] = [
        {
            "id": "a",
            "score": "",
            "rule": "",
            "pairs": [("stonith-enabled", "maybe"), ("dc-deadtime", "soon")],
        }
    ]
    options = options_in_force(cib_with(sets, "pacemaker-3.9"), NOW)
    assert options.flag("fencing-enabled")
    assert options.milliseconds("dc-deadtime") == 20_000


def test_every_known_option_has_a_value_in_an_empty_configuration() -> None:
    options = options_in_force(cib_with([], "pacemaker-3.9"), NOW)
    assert all(options.text(name) == option.default for name, option in CLUSTER_OPTIONS.items())
