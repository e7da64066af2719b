import pytest

from engine.base.errors import BadInput
from engine.base.nodeconf import (
    Address,
    NodeConfig,
    PeerConfig,
    load_node_config,
    node_config_to_text,
)
from engine.membership.view import timing_of, votes_of

TEXT = """
# a cluster of three
[node]
name = alpha
id = 1
cluster = demo
address = 10.0.0.1,10.1.0.1

[peers]
alpha = 1 10.0.0.1,10.1.0.1
beta = 2 10.0.0.2,10.1.0.2:7000
gamma = 3 [fd00::3],[fd01::3]:7000 votes=0 role=witness

[quorum]
tie-breaker = beta

[timing]
dead-time = 2s
"""


def test_the_node_file_says_who_is_where():
    config = load_node_config(TEXT)
    assert (config.name, config.id, config.cluster) == ("alpha", 1, "demo")
    assert [peer.name for peer in config.peers] == ["beta", "gamma"]
    assert config.peers[0].addresses == (Address("10.0.0.2"), Address("10.1.0.2", 7000))
    assert config.peers[1].addresses == (Address("fd00::3"), Address("fd01::3", 7000))


def test_votes_and_timing_come_from_the_file():
    config = load_node_config(TEXT)
    votes = votes_of(config)
    assert votes.votes == ((1, 1), (2, 1), (3, 0))
    assert (votes.tie_breaker, votes.witnesses) == (2, (3,))
    assert timing_of(config).dead_time == 2.0


def test_the_default_dead_time_grows_with_the_nodes():
    config = NodeConfig("a", 1, peers=tuple(PeerConfig(f"n{i}", i, ()) for i in (2, 3, 4)))
    assert timing_of(config).dead_time == pytest.approx(4.3)


def test_text_and_configuration_are_each_others_inverse():
    config = load_node_config(TEXT)
    assert load_node_config(node_config_to_text(config)) == config


def test_options_override_the_file():
    assert load_node_config(TEXT, name="delta", id=4, cluster=None).name == "delta"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("name = alpha", "nmae = alpha"), "unknown key 'nmae', did you mean 'name'?"),
        (("[peers]", "[pears]"), "unknown section 'pears', did you mean 'peers'?"),
        (("id = 1\n", "id = one\n"), "'one' is not a node id"),
        (("2 10.0.0.2", "2 10.0.0.2:99999"), "'99999' is not a port"),
        (("beta = 2", "beta = 1"), "two nodes have the id 1"),
        (("gamma = 3 [fd00::3],", "gamma = 3 "), "same number of addresses"),
        (("dead-time = 2s", "dead-time = soon"), "'soon' is not a time"),
        (("dead-time = 2s", "dead-time = 200ms"), "needs allow-fast-detection"),
        (("tie-breaker = beta", "tie-breaker = delta"), "'delta' is not a node"),
        (("[node]", "[node]\nnonsense"), "'nonsense' is not 'key = value'"),
        (("votes=0", "vote=0"), "is not votes=N"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(change, message):
    with pytest.raises(BadInput) as refused:
        load_node_config(TEXT.replace(*change), "/etc/node.conf")
    assert message in str(refused.value)
    assert all(
        str(report.message).startswith("/etc/node.conf:") for report in refused.value.reports
    )


def test_all_mistakes_are_told_at_once():
    with pytest.raises(BadInput) as refused:
        load_node_config(TEXT.replace("id = 1\n", "id = x\n").replace("2s", "y"))
    assert len(refused.value.reports) == 3
