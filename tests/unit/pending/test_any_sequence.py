"""Whatever is done to a pending configuration: its indexes stay right, and undo takes it all back."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from crmshell.errors import ShellError
from crmshell.pending.changes import PendingCib, Way
from crmshell.pending.edits import add_monitor, change_group, erase, set_path
from crmshell.pending.references import delete, rename
from crmshell.pending.textedit import load_text
from tests.unit.pending.pending_builder import pending, typed

NAMES = ["a", "b", "c", "g", "h", "k", "l", "n", "t"]
name = st.sampled_from(NAMES)
TEXTS = st.one_of(
    st.builds("primitive {} Dummy params x={}".format, name, name),
    st.builds("primitive {} @{} op monitor interval=5s".format, name, name),
    st.builds("rsc_template {} Dummy".format, name),
    st.builds("group {} {} {} meta priority=1".format, name, name, name),
    st.builds("clone {} {}".format, name, name),
    st.builds("bundle {} docker image=i primitive {}".format, name, name),
    st.builds("location {} {} rule #uname eq {}".format, name, name, name),
    st.builds("order {} {} {}".format, name, name, name),
    st.builds("colocation {} inf: {} ( {} {} )".format, name, name, name, name),
    st.builds("rsc_ticket {} T: {} {}".format, name, name, name),
    st.builds("tag {} {} {}".format, name, name, name),
    st.builds("node {} attributes x=1".format, name),
    st.builds("property {}: x=1".format, name),
    st.builds("rsc_defaults {}: x={}".format, name, name),
    st.builds("fencing_topology {}: {}".format, name, name),
    st.builds("primitive {} Dummy params $id={} x=1".format, name, name),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("type"), TEXTS),
        st.tuples(st.just("load"), st.lists(TEXTS, max_size=4).map("\n".join)),
        st.tuples(st.just("push"), st.lists(TEXTS, max_size=4).map("\n".join)),
        st.tuples(st.just("replace"), TEXTS),
        st.tuples(st.just("delete"), name),
        st.tuples(st.just("rename"), st.builds("{} {}".format, name, name)),
        st.tuples(st.just("group"), st.builds("{} add {}".format, name, name)),
        st.tuples(st.just("ungroup"), st.builds("{} remove {}".format, name, name)),
        st.tuples(st.just("monitor"), name),
        st.tuples(st.just("set"), name),
        st.tuples(st.just("erase"), st.just("")),
    ),
    max_size=14,
)


def do(tree: PendingCib, what: str, text: str) -> None:
    tree.begin(text)
    if what == "type":
        typed(tree, text)
    elif what == "replace":
        typed(tree, text, Way.REPLACE)
    elif what == "load":
        load_text(tree, text.split("\n"), "f", "update")
    elif what == "push":
        load_text(tree, text.split("\n"), "f", "push")
    elif what == "delete":
        delete(tree, [text])
    elif what == "rename":
        old, new = text.split()
        rename(tree, old, new)
    elif what in ("group", "ungroup"):
        change_group(tree, text.split())
    elif what == "monitor":
        add_monitor(tree, text, "9s")
    elif what == "set":
        set_path(tree, f"{text}.x", "7")
    else:
        erase(tree, nodes=False)


def check_indexes(tree: PendingCib) -> None:
    """The indexes say what a look at the whole tree would say."""
    fresh = PendingCib(tree.cib)
    assert {key: id(value) for key, value in tree.objects.items()} == {
        key: id(value) for key, value in fresh.objects.items()
    }
    assert set(tree.nodes) == set(fresh.nodes)
    assert tree.ids.used == fresh.ids.used
    mine = {key: sorted(value) for key, value in tree.mentions.items() if value}
    assert mine == {key: sorted(value) for key, value in fresh.mentions.items() if value}


@settings(max_examples=60, deadline=None, database=None)
@given(STEPS)
def test_indexes_stay_right_and_undo_takes_everything_back(steps: list[tuple[str, str]]) -> None:
    tree = pending("primitive a Dummy params x=1", "primitive b Dummy", "location l a 1: n")
    tree.written()
    before = etree.tostring(tree.cib.root)
    for what, text in steps:
        with contextlib.suppress(ShellError):
            do(tree, what, text)
        check_indexes(tree)
    tree.undo(1000)
    assert etree.tostring(tree.cib.root) == before
    check_indexes(tree)
