"""Which values of a cluster are secret, and a copy of its trees and texts without them. Pure.

A value is secret by the name of its parameter, by what the agent's meta-data say of the parameter
(private), or by the option obscure_pattern. What is secret somewhere is hidden everywhere: a
password also where a log repeats it without its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from crmshell.views.masking import STARS, name_matcher

if TYPE_CHECKING:
    from lxml import etree

# Class, provider and type of an agent to the names of its private parameters.
PrivateNames = Callable[[str, str, str], frozenset[str]]

_SECRET_PARTS = ("passw", "passphrase", "secret", "token", "credential", "community", "key")
_SECRET_WORDS = frozenset({"pass", "psk", "pwd", "pw"})
# Names of the field that have such a part and tell nothing.
_OPEN_NAMES = frozenset(
    {"operation_key", "internal_operation_key", "transition_key", "transition-key", "on_node_key"}
)
_SHORTEST = 4
"""Characters: a shorter value would be found in the middle of innocent words."""
_DULL_VALUES = frozenset({"true", "false", "none", "auto", "default", "start", "stop", "monitor"})

_PAIR = re.compile(
    r"""(?P<name>(?<![\w.-])[\w.-]+)(?P<quote>["']?)(?P<sign>\s*=\s*|(?<=["'])\s*:\s*)"""
    r"""(?P<value>"[^"]*"|'[^']*'|[^\s,;"'<>]+)"""
)
_NVPAIR = re.compile(r"<nvpair\b[^>]*>")
_ATTRIBUTE = re.compile(r"""([\w.-]+)\s*=\s*("[^"]*"|'[^']*')""")


def is_secret_name(name: str) -> bool:
    """Whether a value of that name is hidden whatever its agent says."""
    lower = name.lower()
    if lower in _OPEN_NAMES:
        return False
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    return any(part in lower for part in _SECRET_PARTS) or not _SECRET_WORDS.isdisjoint(words)


class Secrets:
    """Collects what is secret from trees; hides it in trees and texts."""

    def __init__(self, patterns: tuple[str, ...], private_names: PrivateNames) -> None:
        self._matcher = name_matcher(patterns)
        self._private_names = private_names
        self._values: set[str] = set()

    def learn(self, root: etree._Element) -> None:
        """Remember the secret values of a CIB."""
        self._values.update(
            value
            for pair in self._secret_pairs(root)
            if len(value := pair.get("value", "")) >= _SHORTEST
            and value.lower() not in _DULL_VALUES
            and value != STARS
        )

    def hide_in_tree(self, root: etree._Element) -> int:
        """Replace secret values, in place; how many there were."""
        self.learn(root)
        found = 0
        for pair in self._secret_pairs(root):
            pair.set("value", STARS)
            found += 1
        for pair in root.iter("nvpair"):
            if pair.get("value") in self._values:
                pair.set("value", STARS)
                found += 1
        return found

    def hide_in_text(self, text: str) -> str:
        """Replace secret values: by their name, and those that are known from trees."""
        text = _NVPAIR.sub(self._masked_nvpair, text)
        text = _PAIR.sub(self._masked_pair, text)
        if self._values:
            longest_first = sorted(self._values, key=lambda value: (-len(value), value))
            known = "|".join(map(re.escape, longest_first))
            text = re.sub(rf"(?<!\w)(?:{known})(?!\w)", STARS, text)
        return text

    def _is_secret(self, name: str) -> bool:
        return is_secret_name(name) or bool(self._matcher and self._matcher.match(name))

    def _secret_pairs(self, root: etree._Element) -> Iterator[etree._Element]:
        private: dict[etree._Element, frozenset[str]] = {}
        templates = {str(each.get("id")): each for each in root.iter("template")}
        for resource in root.iter("primitive", "template"):
            definition = templates.get(resource.get("template", ""), resource)
            agent = [definition.get(part, "") for part in ("class", "provider", "type")]
            names = self._private_names(agent[0], agent[1], agent[2])
            for values in resource.iter("instance_attributes") if names else ():
                private[values] = names
        for pair in root.iter("nvpair"):
            if pair.get("value") is None:
                continue
            parent = pair.getparent()
            names = private.get(parent, frozenset()) if parent is not None else frozenset()
            if pair.get("name", "") in names or self._is_secret(pair.get("name", "")):
                yield pair

    def _masked_pair(self, match: re.Match[str]) -> str:
        if not self._is_secret(match["name"]):
            return match[0]
        value = match["value"]
        quote = value[0] if value[0] in "\"'" else ""
        return f"{match['name']}{match['quote']}{match['sign']}{quote}{STARS}{quote}"

    def _masked_nvpair(self, match: re.Match[str]) -> str:
        attributes = {name: value[1:-1] for name, value in _ATTRIBUTE.findall(match[0])}
        if not self._is_secret(attributes.get("name", "")):
            return match[0]
        return re.sub(r"""(\bvalue\s*=\s*)("[^"]*"|'[^']*')""", rf'\1"{STARS}"', match[0])
