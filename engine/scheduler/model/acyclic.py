"""Whether something waits for itself: the question that is nearly always answered with no."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def every_turn_comes(inputs: Mapping[N, Collection[N]]) -> bool:
    """Whether all can be done that wait for their inputs: no loops, and no input is missing.

    Linear, and without a graph object; where it is False `order_view` says which ones are stuck.
    """
    missing = {element: len(firsts) for element, firsts in inputs.items() if firsts}
    if not missing:
        return True
    followers: dict[N, list[N]] = {}
    for element in missing:
        for first in inputs[element]:
            known = followers.get(first)
            if known is None:
                followers[first] = [element]
            else:
                known.append(element)
    ready = [element for element, firsts in inputs.items() if not firsts]
    while ready:
        for element in followers.get(ready.pop(), ()):
            left = missing[element] - 1
            if left:
                missing[element] = left
            else:
                del missing[element]
                ready.append(element)
    return not missing
