"""What is cut out of a CIB's text must be found again, and nothing that is doubtful is cut."""

import pytest
from lxml import etree

from engine.base.errors import BadInput
from engine.cib.cut import CutCib, cut_histories
from engine.cib.document import Cib
from engine.cib.history import HistoryStore
from engine.scheduler.reading.warm import Warm

ENTRY = (
    '<lrm_resource id="{name}" class="ocf" provider="heartbeat" type="Dummy">'
    '<lrm_rsc_op id="{name}_last_0" operation="monitor" interval="0" rc-code="7" op-status="0"'
    ' call-id="3"/></lrm_resource>'
)


def state(node: str, *names: str) -> str:
    entries = "".join(ENTRY.format(name=name) for name in names)
    lrm = f'<lrm id="{node}"><lrm_resources>{entries}</lrm_resources></lrm>'
    return f'<node_state id="{node}" uname="{node}">{lrm}</node_state>'


def cib(*states: str, head: str = "") -> bytes:
    status = f"<status>{''.join(states)}</status>"
    return f'{head}<cib epoch="1"><configuration/>{status}</cib>'.encode()


def histories(read: Cib, texts: tuple[bytes, ...] | None) -> dict[str, list[str]]:
    store = HistoryStore(texts=texts)
    for element in read.root.iter("node_state"):
        store.add_state(element)
    return {name: [h.id for h in store.entries(name)] for name in ("a", "b")}


@pytest.mark.parametrize("head", ["", "<?xml version='1.0' encoding='utf-8'?>\n"])
def test_histories_are_the_same_whether_they_were_cut_out_or_not(head: str) -> None:
    data = cib(state("a", "x", "y"), state("b", "x"), head=head)
    cut = CutCib.from_bytes(data)

    assert len(cut.texts) == 2
    assert not list(cut.root.iter("lrm_resource"))
    assert histories(cut, cut.texts) == histories(Cib.from_bytes(data), None)


@pytest.mark.parametrize(
    "odd",
    [
        "<!-- <lrm id='a'> -->",
        "<![CDATA[</lrm>]]>",
        "<?pi <lrm ?>",
        "<n:x xmlns:n='urn:n'/>",
        "</lrm>",
        "<lrm cut='0'/>",
    ],
)
def test_text_that_might_mislead_is_left_as_it_is(odd: str) -> None:
    data = cib(state("a", "x"), odd, state("b", "y"))

    assert cut_histories(data) == (data, ())


def test_an_empty_history_is_not_taken_for_the_beginning_of_the_next() -> None:
    empty = '<node_state id="a" uname="a"><lrm id="a"/></node_state>'
    cut = CutCib.from_bytes(cib(empty, state("b", "y")))

    assert len(cut.texts) == 1
    assert histories(cut, cut.texts) == {"a": [], "b": ["y"]}


def test_what_is_cut_and_put_back_is_the_whole_text() -> None:
    data = cib(state("a", "x"), state("b", "x", "z"))
    rest, texts = cut_histories(data)
    for number, text in enumerate(texts):
        rest = rest.replace(b'<lrm cut="%d"/>' % number, text)

    assert rest == data


def test_a_text_that_did_not_change_is_the_object_of_the_run_before() -> None:
    warm = Warm()
    first = warm.read(cib(state("a", "x"), state("b", "x")), "CIB")
    second = warm.read(cib(state("a", "x"), state("b", "y")), "CIB")

    assert second.texts[0] is first.texts[0]
    assert second.texts[1] != first.texts[1]


def test_a_broken_history_is_refused_with_one_line_when_it_is_read() -> None:
    data = cib(state("a", "x").replace("</lrm_resource>", ""), state("b", "x"))
    cut = CutCib.from_bytes(data)

    with pytest.raises(BadInput, match=r"^history:1:\d+: not well-formed"):
        histories(cut, cut.texts)


def test_a_cut_cib_still_has_everything_but_the_histories() -> None:
    data = cib(state("a", "x"), '<node_state id="b" uname="b" crmd="online"/>')
    kept = etree.tostring(CutCib.from_bytes(data).root)

    assert b'crmd="online"' in kept
    assert b'<lrm cut="0"/>' in kept
