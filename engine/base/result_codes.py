"""Names and texts of the result codes that Pacemaker's programs and logs use (`crm_error`).

Three families: exit statuses of programs, return codes of the libraries (negative; positive ones
are the system's `errno`), and the older library codes from 201 on.
"""

from __future__ import annotations

import errno
import os
from typing import Final

Code = tuple[str, str]
"""Name and text."""

EXIT: Final[dict[int, Code]] = {
    0: ("CRM_EX_OK", "OK"),
    1: ("CRM_EX_ERROR", "Error occurred"),
    2: ("CRM_EX_INVALID_PARAM", "Invalid parameter"),
    3: ("CRM_EX_UNIMPLEMENT_FEATURE", "Unimplemented"),
    4: ("CRM_EX_INSUFFICIENT_PRIV", "Insufficient privileges"),
    5: ("CRM_EX_NOT_INSTALLED", "Not installed"),
    6: ("CRM_EX_NOT_CONFIGURED", "Not configured"),
    7: ("CRM_EX_NOT_RUNNING", "Not running"),
    8: ("CRM_EX_PROMOTED", "Promoted"),
    9: ("CRM_EX_FAILED_PROMOTED", "Failed in promoted role"),
    64: ("CRM_EX_USAGE", "Incorrect usage"),
    65: ("CRM_EX_DATAERR", "Invalid data given"),
    66: ("CRM_EX_NOINPUT", "Input file not available"),
    67: ("CRM_EX_NOUSER", "User does not exist"),
    68: ("CRM_EX_NOHOST", "Host does not exist"),
    69: ("CRM_EX_UNAVAILABLE", "Necessary service unavailable"),
    70: ("CRM_EX_SOFTWARE", "Internal software bug"),
    71: ("CRM_EX_OSERR", "Operating system error occurred"),
    72: ("CRM_EX_OSFILE", "System file not available"),
    73: ("CRM_EX_CANTCREAT", "Cannot create output file"),
    74: ("CRM_EX_IOERR", "I/O error occurred"),
    75: ("CRM_EX_TEMPFAIL", "Temporary failure, try again"),
    76: ("CRM_EX_PROTOCOL", "Protocol violated"),
    77: ("CRM_EX_NOPERM", "Insufficient privileges"),
    78: ("CRM_EX_CONFIG", "Invalid configuration"),
    100: ("CRM_EX_FATAL", "Fatal error occurred, will not respawn"),
    101: ("CRM_EX_PANIC", "System panic required"),
    102: ("CRM_EX_DISCONNECT", "Not connected"),
    103: ("CRM_EX_OLD", "Update was older than existing configuration"),
    104: ("CRM_EX_DIGEST", "Digest mismatch"),
    105: ("CRM_EX_NOSUCH", "No such object"),
    106: ("CRM_EX_QUORUM", "Quorum required"),
    107: ("CRM_EX_UNSAFE", "Operation not safe"),
    108: ("CRM_EX_EXISTS", "Requested item already exists"),
    109: ("CRM_EX_MULTIPLE", "Multiple items match request"),
    110: ("CRM_EX_EXPIRED", "Requested item has expired"),
    111: ("CRM_EX_NOT_YET_IN_EFFECT", "Requested item is not yet in effect"),
    112: ("CRM_EX_INDETERMINATE", "Could not determine status"),
    113: ("CRM_EX_UNSATISFIED", "Not applicable under current conditions"),
    114: ("CRM_EX_NO_DC", "DC is not yet elected"),
    124: ("CRM_EX_TIMEOUT", "Timeout occurred"),
    190: ("CRM_EX_DEGRADED", "Service is active but might fail soon"),
    191: ("CRM_EX_DEGRADED_PROMOTED", "Service is promoted but might fail soon"),
    193: ("CRM_EX_NONE", "No exit status available"),
}

_SHARED: Final = (
    ("generic", "Error"),
    ("no_quorum", "Operation requires quorum"),
    ("schema_validation", "Update does not conform to the configured schema"),
    ("transform_failed", "Schema transform failed"),
    ("old_data", "Update was older than existing configuration"),
    ("diff_failed", "Application of update diff failed"),
    ("diff_resync", "Application of update diff failed, requesting full refresh"),
    ("cib_modified", "On-disk configuration was manually modified"),
    ("cib_backup", "Could not archive previous configuration"),
    ("cib_save", "Could not save new configuration to disk"),
    ("schema_unchanged", "Schema is already the latest available"),
    ("cib_corrupt", "Could not parse on-disk configuration"),
    ("multiple", "Resource active on multiple nodes"),
    ("node_unknown", "Node not found"),
    ("already", "Already in requested state"),
    ("bad_nvpair", "Bad name/value pair given"),
    ("unknown_format", "Unknown output format"),
)
_TEXTS: Final = dict(_SHARED)
LEGACY: Final[dict[int, Code]] = {
    201 + place: (f"pcmk_err_{name}", text) for place, (name, text) in enumerate(_SHARED)
}

# From -1001 downwards; a text that is missing here is that of the same name above.
_LIBRARY: Final = (
    ("error", "Error"),
    ("unknown_format", ""),
    ("bad_nvpair", ""),
    ("already", ""),
    ("node_unknown", ""),
    ("multiple", ""),
    ("cib_corrupt", ""),
    ("cib_save", ""),
    ("cib_backup", ""),
    ("cib_modified", ""),
    ("diff_resync", ""),
    ("diff_failed", ""),
    ("old_data", ""),
    ("transform_failed", ""),
    ("schema_unchanged", ""),
    ("schema_validation", ""),
    ("no_quorum", ""),
    ("ipc_unauthorized", "IPC server is blocked by unauthorized process"),
    ("ipc_unresponsive", "IPC server is unresponsive"),
    ("ipc_pid_only", "IPC server process is active but not accepting connections"),
    ("op_unsatisfied", "Not applicable under current conditions"),
    ("undetermined", "Result undetermined"),
    ("before_range", "Result occurs before given range"),
    ("within_range", "Result occurs within given range"),
    ("after_range", "Result occurs after given range"),
    ("no_output", "Output message produced no output"),
    ("no_input", "Input file not available"),
    ("underflow", "Value too small to be stored in data type"),
    ("dot_error", "Error writing dot(1) file"),
    ("graph_error", "Error writing graph file"),
    ("invalid_transition", "Cluster simulation produced invalid transition"),
    ("unpack_error", "Unable to parse CIB XML"),
    ("duplicate_id", "Two or more XML elements have the same ID"),
    ("disabled", "Disabled"),
    ("bad_input", "Bad input value provided"),
    ("bad_xml_patch", "Bad XML patch format"),
    ("no_transaction", "No active transaction found"),
    ("ns_resolution", "Nameserver resolution error"),
    ("compression", "Compression/decompression error"),
    ("no_dc", "DC is not yet elected"),
    ("ipc_more", "More IPC message fragments to send"),
    ("cs_internal", "Internal corosync error"),
    ("digest_mismatch", "Digest does not match expected value"),
)
LIBRARY: Final[dict[int, Code]] = {
    **{
        -1001 - place: (f"pcmk_rc_{name}", text or _TEXTS[name])
        for place, (name, text) in reversed(list(enumerate(_LIBRARY)))
    },
    0: ("pcmk_rc_ok", "OK"),
}


def system_codes() -> dict[int, Code]:
    """The system's error numbers."""
    return {number: (name, os.strerror(number)) for number, name in sorted(errno.errorcode.items())}


def exit_code(number: int) -> Code:
    """An exit status of a program, also one that does not exist."""
    if 128 < number < 160 and number not in EXIT:
        return "CRM_EX_SIGNAL", f"Interrupted by signal {number - 128}"
    return EXIT.get(number, ("CRM_EX_UNKNOWN", "Unknown exit status"))


def library_code(number: int) -> Code:
    """A return code of the libraries: theirs, or one of the system's."""
    if number in LIBRARY:
        return LIBRARY[number]
    return _of_system(number) or ("Unknown", "Error")


def legacy_code(number: int) -> Code:
    """An older return code, whatever its sign."""
    number = abs(number)
    if number == 0:
        return "pcmk_ok", "OK"
    return LEGACY.get(number) or _of_system(number) or ("Unknown", "Error")


def _of_system(number: int) -> Code | None:
    name = errno.errorcode.get(number)
    return None if name is None else (name, os.strerror(number))
