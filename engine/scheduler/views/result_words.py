"""What exit codes and statuses of operations are called, as `crm_simulate` and `crm status` say it."""

from __future__ import annotations

from typing import Final

_EXIT_WORDS: Final = {
    0: "OK",
    1: "Error occurred",
    2: "Invalid parameter",
    3: "Unimplemented",
    4: "Insufficient privileges",
    5: "Not installed",
    6: "Not configured",
    7: "Not running",
    8: "Promoted",
    9: "Failed in promoted role",
    124: "Timeout occurred",
    190: "Service is active but might fail soon",
    191: "Service is promoted but might fail soon",
    193: "No exit status available",
    255: "Error occurred",
}
_STATUS_WORDS: Final = {
    -1: "Pending",
    0: "Done",
    1: "Cancelled",
    2: "Timed out",
    3: "Unsupported",
    4: "Error",
    5: "Hard error",
    6: "Fatal error",
    7: "Not installed",
    8: "Internal communication failure",
    9: "Cannot execute now",
    10: "No fence device",
    11: "CIB secrets unavailable",
}
_SIGNALS: Final = 128  # an agent that was ended by signal N is reported as 128 + N


def exit_text(rc: int) -> str:
    """The meaning of an agent's exit code."""
    unknown = "Interrupted by signal" if rc > _SIGNALS else "Unknown exit status"
    return _EXIT_WORDS.get(rc, unknown)


def status_text(status: int) -> str:
    """The meaning of an `op-status`."""
    return _STATUS_WORDS.get(status, "Unknown status")
