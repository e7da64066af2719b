"""Each rule of the engine has a mutant that a judge sees by its own assertion.

That the judges say nothing of the product as it is, is what they do in the rest of the tests.
"""

from __future__ import annotations

import pytest

from tests.mutants.rules import all_rules
from tests.mutants.table import MUTANTS, WITHOUT, Mutant, seen_by
from tests.sim.mutants import MUTANTS as PROTOCOL


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_rule_that_is_switched_off_is_missed(mutant: Mutant) -> None:
    judge, words = seen_by(mutant)
    assert judge
    assert words


def test_every_rule_has_a_mutant_or_is_said_to_have_none() -> None:
    kept = {rule for mutant in MUTANTS for rule in mutant.rules}
    rules = all_rules()
    assert len(rules) >= 43
    assert [rule for rule in rules if rule not in kept | set(WITHOUT)] == []
    assert sorted(kept & set(WITHOUT)) == []
    assert [rule for rule in [*kept, *WITHOUT] if rule not in rules] == []


def test_every_error_of_the_protocol_is_in_the_table() -> None:
    assert set(PROTOCOL) <= {mutant.name for mutant in MUTANTS}
