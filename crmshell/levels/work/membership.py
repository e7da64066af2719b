"""Node files of a cluster as values: who is added, who is taken out, which number is free. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from crmshell.errors import ShellError
from engine.base.nodeconf import Address, NodeConfig, PeerConfig, check_node_config


def first_node(name: str, cluster: str, addresses: tuple[Address, ...]) -> NodeConfig:
    """The node file of a new cluster's first node."""
    return _checked(NodeConfig(name=name, id=1, cluster=cluster, addresses=addresses))


def joining_node(seed: NodeConfig, name: str, addresses: tuple[Address, ...]) -> NodeConfig:
    """The node file of a new node, made from that of a member; raises `ShellError` if it cannot be."""
    everyone = seed.everyone()
    for node in everyone:
        if node.name == name:
            raise ShellError(f"the cluster has a node {name} already", code="node-exists")
        same = {str(one) for one in node.addresses} & {str(one) for one in addresses}
        if same:
            address = sorted(same)[0]
            raise ShellError(
                f"node {node.name} has the address {address} already", code="node-exists"
            )
    number = max(node.id for node in everyone) + 1
    made = replace(seed, name=name, id=number, addresses=addresses, votes=1, peers=everyone)
    return _checked(_with_two_node(replace(made, role="member", watchdog="")))


def with_node(config: NodeConfig, node: PeerConfig) -> NodeConfig:
    """A member's node file that knows another node."""
    others = tuple(peer for peer in config.peers if peer.name != node.name)
    peers = tuple(sorted((*others, node), key=lambda peer: peer.id))
    return _checked(_with_two_node(replace(config, peers=peers)))


def without_node(config: NodeConfig, name: str) -> NodeConfig:
    """A member's node file without a node; raises `ShellError` when it does not know it."""
    peers = tuple(peer for peer in config.peers if peer.name != name)
    if len(peers) == len(config.peers):
        from difflib import get_close_matches

        near = get_close_matches(name, [peer.name for peer in config.peers], 1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise ShellError(f"the cluster has no other node '{name}'{hint}", code="no-such-node")
    tie_breaker = "" if config.tie_breaker == name else config.tie_breaker
    return _with_two_node(replace(config, peers=peers, tie_breaker=tie_breaker))


def places_of(config: NodeConfig, called: str) -> list[str]:
    """Where the nodes of a node file are reached, by id; its own node under the name it was called."""
    return [called if node.name == config.name else node.name for node in config.everyone()]


def knows(config: NodeConfig, name: str) -> bool:
    """Whether a node file has this node as another one."""
    return any(peer.name == name for peer in config.peers)


def check_agreement(configs: Mapping[str, NodeConfig]) -> None:
    """Members must know the same nodes before one joins; raises `ShellError` that names who does not.

    A join that lost its machine half-way leaves members that do not: the new one was told to some.
    """
    known = {place: {node.name for node in c.everyone()} for place, c in configs.items()}
    for place, names in known.items():
        for other, others in known.items():
            extra = sorted(names - others)
            if extra:
                raise ShellError(
                    f"{place} knows node {extra[0]} and {other} does not (a join broke off?): "
                    f"on {place}, crm cluster remove {extra[0]}",
                    code="node-file",
                )


def as_peer(config: NodeConfig) -> PeerConfig:
    """How the other nodes see the node of this file."""
    return PeerConfig(config.name, config.id, config.addresses, config.votes, config.role)


def _with_two_node(config: NodeConfig) -> NodeConfig:
    """Two nodes have quorum by a rule of their own (votequorum's two_node)."""
    return replace(config, two_node=len(config.peers) == 1)


def _checked(config: NodeConfig) -> NodeConfig:
    problems = check_node_config(config)
    if problems:
        raise ShellError("; ".join(problems), code="node-file")
    return config
