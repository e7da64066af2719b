"""What may come next at a place of a configure statement: the table behind completion.

Pure: words in, `Want`s out. A want names a *kind* of thing ("a parameter of this agent"); who knows
the cluster turns kinds into names. Nothing is parsed here, so a half-typed or wrong line is answered
as well as may be, and quickly. Grammar: doc/rules/shell.md, chapter 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Kinds of things that may come next.
KEYWORD = "keyword"  # one of `words`, as it stands
NEW_ID = "new id"  # a name that is not taken: nothing to offer
TEXT = "text"  # free text: nothing to offer
ID = "id"  # any object
RESOURCE = "resource"  # a resource or template; `subject` says which (see SUBJECTS)
NODE = "node"
AGENT = "agent"  # an agent name, or @TEMPLATE
PARAM = "param"  # a parameter name of the agent `subject`
PARAM_VALUE = "param value"  # a value of the parameter `name` of the agent `subject`
META = "meta"  # a meta attribute of a `subject` (primitive, group, clone, bundle)
META_VALUE = "meta value"
OP_ACTION = "op action"  # an action of the agent `subject`
OP_ATTRIBUTE = "op attribute"
OP_VALUE = "op value"  # a value of the operation attribute `name`, of an action of `subject`
PROPERTY = "property"
PROPERTY_VALUE = "property value"
NODE_ATTRIBUTE = "node attribute"
NODE_TYPE = "node type"
ROLE = "role"
TICKET = "ticket"
ACL_ROLE = "acl role"
FILE = "file"

# Subjects of RESOURCE.
ANY = "any"
FREE_PRIMITIVE = "free primitive"
FREE = "free primitive or group"
PRIMITIVE = "primitive"
GROUP = "group"
TOP = "top"
DEVICE = "fencing device"

ROLES = ("Started", "Stopped", "Promoted", "Unpromoted")
ORDER_ACTIONS = ("start", "stop", "promote", "demote")
ORDER_KINDS = ("Mandatory:", "Optional:", "Serialize:")
SCORES = ("inf:", "-inf:", "100:", "-100:")
COMPARISONS = ("eq", "ne", "lt", "gt", "lte", "gte")
DATE_OPERATIONS = ("lt", "gt", "in", "spec")
TIME_UNITS = (
    "seconds=",
    "minutes=",
    "hours=",
    "days=",
    "weeks=",
    "months=",
    "years=",
    "monthdays=",
    "weekdays=",
    "yeardays=",
    "weekyears=",
    "moon=",
)
BUILT_IN_ATTRIBUTES = ("#uname", "#id", "#kind", "#cluster-name", "#site-name", "#ra-version")
NODE_KINDS = ("cluster", "remote", "container")
OP_ATTRIBUTES = {
    "interval": "how often; 0 for once",
    "timeout": "how long the action may take",
    "on-fail": "what to do when it fails",
    "role": "run it only in this role",
    "start-delay": "wait before the first run",
    "interval-origin": "count intervals from this time",
    "enabled": "whether it is run at all",
    "record-pending": "record the action before it ends",
    "description": "text for people",
}
OP_VALUES = {
    "on-fail": ("ignore", "block", "stop", "restart", "standby", "fence", "demote"),
    "role": ROLES,
    "enabled": ("true", "false"),
    "record-pending": ("true", "false"),
    "interval": ("10s", "30s", "60s"),
}
BUNDLE_ATTRIBUTES = {
    "docker": (
        "image=",
        "replicas=",
        "replicas-per-host=",
        "promoted-max=",
        "options=",
        "network=",
    ),
    "network": (
        "ip-range-start=",
        "host-interface=",
        "host-netmask=",
        "control-port=",
        "add-host=",
    ),
    "port-mapping": ("id=", "port=", "internal-port=", "range="),
    "storage-mapping": ("id=", "source-dir=", "source-dir-root=", "target-dir=", "options="),
}
LOSS_POLICIES = ("stop", "demote", "fence", "freeze")
ACL_SPECS = (
    "xpath:",
    "ref:",
    "type:",
    "attribute:",
    "meta:",
    "params:",
    "utilization:",
    "location:",
    "property",
    "nodeattr",
    "nodeutil",
    "node",
    "status",
    "cib",
)
BOOLEANS = ("true", "false")
_OPERATORS = frozenset(COMPARISONS)
_SET_KEYWORDS = ("params", "meta", "utilization", "operations", "op", "op_params", "op_meta")


@dataclass(frozen=True, slots=True)
class Want:
    """One kind of thing that may come next.

    `words` are fixed words (of KEYWORD); `subject` and `name` narrow the kind; `given` are names
    that the statement has already and that need not be offered again.
    """

    kind: str
    words: tuple[str, ...] = ()
    subject: str = ""
    name: str = ""
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cursor is: whole words before it, and what of the present word is typed."""

    words: tuple[str, ...]
    typed: str

    def word(self, index: int) -> str:
        return self.words[index] if index < len(self.words) else ""

    @property
    def name(self) -> str:
        """`name` of a half-typed `name=value`, else ""."""
        name, mark, _ = self.typed.partition("=")
        return name if mark else ""


def keyword(*words: str) -> Want:
    return Want(KEYWORD, words)


def expect(words: Sequence[str], typed: str) -> tuple[Want, ...]:
    """What may stand at the cursor, after the whole `words` of a statement (its keyword first)."""
    if not words:
        return (keyword(*sorted(STATEMENTS)),)
    rule = STATEMENTS.get(words[0].lower())
    return rule(Place(tuple(words[1:]), typed)) if rule else ()


def agent_in(words: Sequence[str]) -> str:
    """The agent that a half-typed statement names, "" if it names none (yet)."""
    for place, word in enumerate(words):
        if word.lower() in ("primitive", "rsc_template"):
            agent = words[place + 2] if len(words) > place + 2 else ""
            return "" if agent.startswith("@") or agent.endswith(":") else agent
    return ""


# -- resources ------------------------------------------------------------------------------------


def _primitive(place: Place) -> tuple[Want, ...]:
    if len(place.words) == 0:
        return (Want(NEW_ID),)
    if len(place.words) == 1:
        return (Want(AGENT),)
    agent = place.word(1)
    return _sets(
        place, 2, agent, "primitive", ("params", "meta", "utilization", "operations", "op")
    )


def _group(place: Place) -> tuple[Want, ...]:
    if not place.words:
        return (Want(NEW_ID),)
    if _clause(place.words, 1, ("params", "meta")):
        return _sets(place, 1, "", "group", ("params", "meta"))
    members = Want(RESOURCE, subject=FREE_PRIMITIVE, given=place.words[1:])
    return (members,) if len(place.words) == 1 else (members, keyword("meta", "params"))


def _clone(place: Place) -> tuple[Want, ...]:
    if not place.words:
        return (Want(NEW_ID),)
    if len(place.words) == 1:
        return (Want(RESOURCE, subject=FREE),)
    return _sets(place, 2, "", "clone", ("meta", "params"))


def _bundle(place: Place) -> tuple[Want, ...]:
    if not place.words:
        return (Want(NEW_ID),)
    heads = ("docker", "podman", "network", "port-mapping", "storage", "storage-mapping")
    clause = _clause(place.words, 1, (*heads, "primitive", "meta"))
    if clause is None:
        return (keyword("docker", "podman"),)
    head, start = clause
    more = keyword("network", "storage", "primitive", "meta")
    if head == "meta":
        return _sets(place, 1, "", "bundle", ("meta",), more)
    if head == "primitive":
        free = Want(RESOURCE, subject=FREE_PRIMITIVE)
        return (free,) if len(place.words) == start else (more,)
    table = BUNDLE_ATTRIBUTES.get("docker" if head == "podman" else head, ())
    given = _names(place.words[start:])
    names = tuple(name for name in table if name[:-1] not in given)
    inner = {"network": ("port-mapping",), "storage": ("storage-mapping",)}.get(head, ())
    if head in ("port-mapping", "storage-mapping"):
        inner = (head,)
    return (keyword(*names), keyword(*inner), more)


def _sets(
    place: Place, start: int, agent: str, kind: str, heads: tuple[str, ...], *further: Want
) -> tuple[Want, ...]:
    """Inside `params … meta … op …` after the head of a resource."""
    clause = _clause(place.words, start, _SET_KEYWORDS)
    head, begin = clause if clause else ("params" if agent else "", start)
    words = place.words[begin:]
    more = (keyword(*heads), *further)
    inside = _rule_open(words)
    if inside is not None:
        return _rule(place, inside, _content(head, words, place, agent, kind))
    if head == "op" and not words:
        return (Want(OP_ACTION, subject=agent),)
    if head in ("op", "op_params", "op_meta"):
        more = (keyword(*(_missing_op_parts(head)), *heads), *further)
    if place.name:
        return _content(head, words, place, agent, kind)
    return (*_content(head, words, place, agent, kind), *more)


def _missing_op_parts(head: str) -> tuple[str, ...]:
    return {"op": ("op_params", "op_meta"), "op_params": ("op_meta",)}.get(head, ())


def _content(
    head: str, words: Sequence[str], place: Place, agent: str, kind: str
) -> tuple[Want, ...]:
    """Names, or the value after `name=`, of one set."""
    given = _names(words)
    if place.name in ("$id", "$id-ref", "description"):
        return (Want(TEXT),)
    if head == "params":
        if place.name:
            return (Want(PARAM_VALUE, subject=agent, name=place.name),)
        return (Want(PARAM, subject=agent, given=given), *_set_start(words))
    if head in ("meta", "op_meta"):
        subject = kind if head == "meta" else "op"
        if place.name:
            return (Want(META_VALUE, subject=subject, name=place.name),)
        return (Want(META, subject=subject, given=given), *_set_start(words))
    if head == "op":
        action = words[0] if words else ""
        if place.name:
            return (Want(OP_VALUE, (action,), subject=agent, name=place.name),)
        return (Want(OP_ATTRIBUTE, (action,), subject=agent, given=given),)
    if head == "operations":
        return (keyword("$id=", "$id-ref="),) if not words else ()
    return ()


def _set_start(words: Sequence[str]) -> tuple[Want, ...]:
    return (keyword("rule", "$id=", "$id-ref="),) if not words else ()


# -- constraints ------------------------------------------------------------------------------------


def _location(place: Place) -> tuple[Want, ...]:
    if not place.words:
        return (Want(NEW_ID),)
    if len(place.words) == 1:
        return (Want(RESOURCE, subject=ANY), keyword("{"))
    if place.word(1) == "{" and "}" not in place.words:
        return (Want(RESOURCE, subject=ANY, given=place.words[2:]), keyword("}"))
    attributes = {"role": ROLES, "resource-discovery": ("always", "never", "exclusive")}
    if place.name.lstrip("$") in attributes:
        return (keyword(*attributes[place.name.lstrip("$")]),)
    rest = place.words[2:]
    inside = _rule_open(rest)
    if inside is not None:
        return _rule(place, inside, (keyword("rule"),))
    if rest and rest[-1].endswith(":"):
        return (Want(NODE),)
    if any(word.endswith(":") for word in rest[:-1]):
        return ()
    given = _names(rest)
    names = tuple(f"{name}=" for name in attributes if name not in given)
    return (keyword(*SCORES, "rule", *names),)


def _colocation(place: Place) -> tuple[Want, ...]:
    if not place.words:
        return (Want(NEW_ID),)
    if len(place.words) == 1:
        return (keyword(*SCORES),)
    if place.name == "node-attribute":
        return (Want(NODE_ATTRIBUTE, name="bare"),)
    return _items(place, 2, ROLES, ("node-attribute=",))


def _order(place: Place) -> tuple[Want, ...]:
    if not place.words:
        return (Want(NEW_ID),)
    if place.name == "symmetrical":
        return (keyword(*BOOLEANS),)
    has_kind = place.word(1).endswith(":")
    wants = _items(place, 2 if has_kind else 1, ORDER_ACTIONS, ("symmetrical=",))
    return (keyword(*ORDER_KINDS), *wants) if len(place.words) == 1 else wants


def _rsc_ticket(place: Place) -> tuple[Want, ...]:
    if not place.words:
        return (Want(NEW_ID),)
    if len(place.words) == 1:
        return (Want(TICKET),)
    if place.name == "loss-policy":
        return (keyword(*LOSS_POLICIES),)
    return _items(place, 2, ROLES, ("loss-policy=",), least=1)


def _items(
    place: Place, start: int, suffixes: tuple[str, ...], ends: tuple[str, ...], least: int = 2
) -> tuple[Want, ...]:
    """Members of a constraint: `RSC[:SUFFIX]`, brackets, and the closing attribute."""
    items = [word for word in place.words[start:] if word not in "()[]"]
    resource, mark, _ = place.typed.partition(":")
    if mark:
        return (keyword(*(f"{resource}:{suffix}" for suffix in suffixes)),)
    named = tuple(word.partition(":")[0] for word in items)
    wants = (Want(RESOURCE, subject=ANY, given=named),)
    opened = [word for word in place.words[start:] if word in ("(", "[")]
    closed = [word for word in place.words[start:] if word in (")", "]")]
    if len(opened) > len(closed):
        return (*wants, keyword({"(": ")", "[": "]"}[opened[-1]], "sequential=", "require-all="))
    if len(items) < least:
        return (*wants, keyword("(", "["))
    return (*wants, keyword("(", "[", *ends))


# -- rules ------------------------------------------------------------------------------------------


def _rule_open(words: Sequence[str]) -> tuple[str, ...] | None:
    """The words after the last `rule`, if that rule is still being written; None otherwise."""
    places = [place for place, word in enumerate(words) if word.lower() == "rule"]
    if not places:
        return None
    inside = tuple(words[places[-1] + 1 :])
    tail = _after_last_boolean(inside)
    extra = tail[1:] if tail and tail[0].lower() == "date" else tail
    plain = [word for word in extra if "=" in word and not word.startswith("$")]
    # A name=value after a whole expression belongs to the set again, except units of time.
    if tail and tail[0].lower() != "date" and _is_whole(tail) and plain:
        return None
    return inside


def _after_last_boolean(words: Sequence[str]) -> tuple[str, ...]:
    start = 0
    for place, word in enumerate(words):
        if word.lower() in ("and", "or", "(") or word.startswith("$") or word.endswith(":"):
            start = place + 1
    return tuple(words[start:])


def _is_whole(expression: Sequence[str]) -> bool:
    """Whether the words are a complete simple expression (or more)."""
    if not expression:
        return False
    head = expression[0].lower()
    if head in ("defined", "not_defined"):
        return len(expression) >= 2
    return len(expression) >= 3


def _rule(place: Place, inside: tuple[str, ...], after: tuple[Want, ...]) -> tuple[Want, ...]:
    """Inside a rule; `after` is what may follow when an expression is whole."""
    if place.name in ("$role", "role"):
        return (keyword(*ROLES),)
    tail = _after_last_boolean(inside)
    if not tail:
        start = (keyword(*SCORES, "$role=", "$id="),) if not inside else ()
        names = Want(NODE_ATTRIBUTE, BUILT_IN_ATTRIBUTES, name="bare")
        return (keyword("defined", "not_defined", "date"), names, *start)
    head = tail[0].lower()
    joiners = (keyword("and", "or"), *after)
    if head in ("defined", "not_defined"):
        return (Want(NODE_ATTRIBUTE, name="bare"),) if len(tail) == 1 else joiners
    if head == "date":
        return _date(tail, place, joiners)
    if len(tail) == 1:
        typed = tuple(f"{kind}:eq" for kind in ("string", "number", "integer", "version"))
        return (keyword(*COMPARISONS, *typed),)
    if len(tail) == 2:
        return _operand(tail[0])
    return joiners


def _operand(attribute: str) -> tuple[Want, ...]:
    if attribute == "#uname":
        return (Want(NODE),)
    if attribute == "#kind":
        return (keyword(*NODE_KINDS),)
    return (Want(NODE_ATTRIBUTE, name=attribute),)


def _date(tail: tuple[str, ...], place: Place, joiners: tuple[Want, ...]) -> tuple[Want, ...]:
    if len(tail) == 1:
        return (keyword(*DATE_OPERATIONS),)
    operation = tail[1].lower()
    if operation in ("lt", "gt"):
        return (Want(TEXT),) if len(tail) == 2 else joiners
    if place.name:
        return (Want(TEXT),)
    given = _names(tail)
    ranged = ("start=", "end=") if operation in ("in", "in_range") else ()
    names = tuple(name for name in (*ranged, *TIME_UNITS) if name[:-1] not in given)
    return (keyword(*names), *(joiners if len(tail) > 2 else ()))


# -- nodes, options and the rest ----------------------------------------------------------------------


def _node(place: Place) -> tuple[Want, ...]:
    if not place.words or (len(place.words) == 1 and place.word(0).endswith(":")):
        kind = place.typed.partition(":")
        if kind[1]:
            return (keyword(f"{kind[0]}:member", f"{kind[0]}:remote"),)
        return (Want(NODE),)
    start = 2 if place.word(0).endswith(":") else 1
    clause = _clause(place.words, start, ("attributes", "utilization"))
    if place.name:
        return (Want(NODE_ATTRIBUTE, name=place.name),)
    wants = (keyword("attributes", "utilization"),)
    if clause is None:
        return wants
    given = _names(place.words[clause[1] :])
    return (Want(NODE_ATTRIBUTE, name="pair", given=given), *wants)


def _options(subject: str) -> Callable[[Place], tuple[Want, ...]]:
    def wants(place: Place) -> tuple[Want, ...]:
        inside = _rule_open(place.words)
        here: tuple[Want, ...]
        if place.name:
            here = (Want(PROPERTY_VALUE, subject=subject, name=place.name),)
        else:
            here = (Want(PROPERTY, subject=subject, given=_names(place.words)),)
        if inside is not None:
            return _rule(place, inside, here)
        return here if place.name or place.words else (*here, keyword("rule", "$id="))

    return wants


def _fencing_topology(place: Place) -> tuple[Want, ...]:
    given, mark, _ = place.typed.rpartition(",")
    devices = Want(RESOURCE, subject=DEVICE, name=given + mark, given=tuple(given.split(",")))
    if mark or (place.words and place.words[-1].endswith(":")):
        return (devices,)
    return (devices, Want(NODE, name=":"), keyword("attr:", "pattern:"))


def _tag(place: Place) -> tuple[Want, ...]:
    return (Want(ID, given=place.words[1:]),) if place.words else (Want(NEW_ID),)


def _role(place: Place) -> tuple[Want, ...]:
    if not place.words:
        return (Want(NEW_ID),)
    rights = keyword("read", "write", "deny")
    if len(place.words) == 1:
        return (rights,)
    for prefix in ("ref:", "meta:", "params:", "utilization:", "location:"):
        if place.typed.startswith(prefix):
            return (Want(ID, name=prefix),)
    last = place.words[-1].lower()
    specs = keyword(*ACL_SPECS)
    return (specs,) if last in ("read", "write", "deny") else (specs, rights)


def _acl_target(place: Place) -> tuple[Want, ...]:
    return (Want(ACL_ROLE, given=place.words[1:]),) if place.words else (Want(TEXT),)


def _alert(place: Place) -> tuple[Want, ...]:
    if not place.words:
        return (Want(NEW_ID),)
    if len(place.words) == 1:
        return (Want(FILE),)
    heads = ("attributes", "meta", "select", "to")
    clause = _clause(place.words, 2, heads)
    if clause is None:
        return (keyword(*heads),)
    head, start = clause
    words = place.words[start:]
    if head == "select":
        return (keyword("nodes", "fencing", "resources", "attributes", "{", "}", "to"),)
    if head == "meta" and not place.name:
        return (keyword("timeout=", "timestamp-format=", "enabled="), keyword(*heads))
    if head == "to" and not words:
        return (keyword("{"),)
    return () if place.name else (keyword(*heads, "}"),)


def _monitor(place: Place) -> tuple[Want, ...]:
    if not place.words:
        resource, mark, _ = place.typed.partition(":")
        if mark:
            return (keyword(*(f"{resource}:{role}" for role in ROLES)),)
        return (Want(RESOURCE, subject=PRIMITIVE),)
    return (keyword("10s:20s", "30s:20s", "60s:30s"),) if len(place.words) == 1 else ()


# -- words --------------------------------------------------------------------------------------------


def _clause(words: Sequence[str], start: int, heads: Sequence[str]) -> tuple[str, int] | None:
    """The last clause keyword at or after `start`, and the place of its first word."""
    for place in range(len(words) - 1, start - 1, -1):
        if words[place].lower() in heads:
            return words[place].lower(), place + 1
    return None


def _names(words: Sequence[str]) -> tuple[str, ...]:
    """Names of the `name=value` words."""
    return tuple(word.partition("=")[0] for word in words if "=" in word)


STATEMENTS: dict[str, Callable[[Place], tuple[Want, ...]]] = {
    "primitive": _primitive,
    "rsc_template": _primitive,
    "group": _group,
    "clone": _clone,
    "ms": _clone,
    "master": _clone,
    "bundle": _bundle,
    "location": _location,
    "colocation": _colocation,
    "collocation": _colocation,
    "order": _order,
    "rsc_ticket": _rsc_ticket,
    "node": _node,
    "property": _options("property"),
    "rsc_defaults": _options("rsc_defaults"),
    "op_defaults": _options("op_defaults"),
    "fencing_topology": _fencing_topology,
    "fencing-topology": _fencing_topology,
    "tag": _tag,
    "role": _role,
    "acl_target": _acl_target,
    "acl_group": _acl_target,
    "alert": _alert,
    "monitor": _monitor,
}
