"""Secret values of parameters, read on the node that runs the agent (live rules L9.1 to L9.5).

In the configuration such a parameter is `lrm://`. The value is the content of the file
FOLDER/RESOURCE/PARAMETER; beside it, in PARAMETER.sign, is the MD5 sum of the value.
"""

from __future__ import annotations

import os
from dataclasses import replace

from engine.base.exitcodes import OcfStatus
from engine.base.programs import is_safe_name
from engine.cib.digests import md5_of_text
from engine.lrm.api import LrmOp, OpStatus
from engine.lrm.command import PLACEHOLDER, VALUE_LIMIT, Outcome

REFUSAL = "Unable to load CIB secrets"


def with_secrets(op: LrmOp, folder: str) -> LrmOp | Outcome:
    """The operation with the values in place, or why it cannot be done.

    A `stop` goes on without them: it must be possible in any case.
    """
    names = [name for name, value in op.parameters.items() if value == PLACEHOLDER]
    if not names:
        return op
    if op.standard == "stonith":
        reason = f"{REFUSAL}: secrets are not carried out for fence devices ({', '.join(names)})"
        return Outcome(OcfStatus.NOT_CONFIGURED, OpStatus.ERROR, reason)
    found: dict[str, str] = {}
    for name in names:
        value = read_secret(folder, op.name, name)
        if value is None and op.operation == "stop":
            return op
        if value is None:
            reason = f"{REFUSAL}: {name} of {op.name}"
            return Outcome(OcfStatus.NOT_CONFIGURED, OpStatus.ERROR, reason)
        found[name] = value
    return replace(op, parameters={**op.parameters, **found})


def read_secret(folder: str, resource: str, name: str) -> str | None:
    """The value of a secret; None where it is missing, empty, or not what its sum says."""
    if not (is_safe_name(resource) and is_safe_name(name)):
        return None
    value = _content(os.path.join(folder, resource, name))
    sign = _content(os.path.join(folder, resource, f"{name}.sign"))
    if not value or not sign or sign.lower() != md5_of_text(value):
        return None
    return value


def _content(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read(VALUE_LIMIT + 1)[:VALUE_LIMIT].rstrip()
    except OSError:
        return None
