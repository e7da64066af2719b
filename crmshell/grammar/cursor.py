"""Reading the words of one statement, and the words that many statements share.

The cursor knows the whole line, so that every refusal points at its word. What depends on the
schema of the CIB, or on whether text was typed or loaded, is in `Dialect`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from crmshell.grammar.ast import NvPair
from crmshell.grammar.errors import SyntaxProblem, nearest_word, shortened
from crmshell.grammar.slips import agent_for
from crmshell.grammar.tokens import Line, Token
from engine.base.reports import Report, Severity

ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_AGENT_PART = re.compile(r"/?[A-Za-z0-9_][A-Za-z0-9_.@+:\\-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.@+-]*)*\Z")
_SCORE = re.compile(
    r"([+-]?)(?:([0-9]+)|(?:inf|infinity)\Z|(mandatory)\Z|(advisory)\Z)", re.IGNORECASE
)
_NUMBER = re.compile(r"[+-]?[0-9]+\Z")
_BARE_NAME = re.compile(r"[^=@${}()\[\]\"\s]*[^=@${}()\[\]:\"\s]\Z")
_NAMED_PAIR = re.compile(r"\$([^=:]+)(?::([^=]+))?=(.*)\Z", re.DOTALL)
_NAMED_BARE = re.compile(r"\$([^=:]+):([^=@${}()\[\]\"\s]*[^=@${}()\[\]:\"\s])\Z")
_PAIR_REF = re.compile(r"@([^:=]+)(?::(.+))?\Z")

OP_ATTRIBUTES = frozenset(
    [
        "id",
        "name",
        "interval",
        "timeout",
        "description",
        "start-delay",
        "interval-origin",
        "enabled",
        "record-pending",
        "role",
        "on-fail",
    ]
)
OLD_OP_ATTRIBUTES = OP_ATTRIBUTES | {"requires"}  # until schema 2.10
OLD_ROLES = {"Master": "Promoted", "Slave": "Unpromoted"}
NEW_ROLES = {"Promoted": "Master", "Unpromoted": "Slave"}
ACTIONS = ("start", "stop", "promote", "demote")


def providers_unknown(agent_type: str) -> tuple[str, ...]:
    """Nobody knows which providers have an agent: heartbeat is assumed."""
    return ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """`schema`: version of validate-with; `typed`: a statement at the prompt or in a script,
    not loaded text; `providers`: who has the OCF agent of that type."""

    schema: tuple[int, int] = (3, 9)
    typed: bool = True
    providers: Callable[[str], tuple[str, ...]] = providers_unknown

    @property
    def op_attributes(self) -> frozenset[str]:
        return OP_ATTRIBUTES if self.schema >= (3, 0) else OLD_OP_ATTRIBUTES

    @property
    def has_targets(self) -> bool:
        """ACLs with acl_target and acl_permission, not `user`."""
        return self.schema >= (2, 0)

    @property
    def has_new_roles(self) -> bool:
        return self.schema >= (3, 7)

    @property
    def roles(self) -> tuple[str, ...]:
        base = ("Stopped", "Started", "Master", "Slave")
        return (*base, "Promoted", "Unpromoted") if self.has_new_roles else base


class Cursor:
    """The words of a statement and the place of the next one."""

    __slots__ = ("dialect", "i", "keyword", "line", "notes", "size", "tokens", "words")

    def __init__(self, line: Line, tokens: tuple[Token, ...], dialect: Dialect) -> None:
        self.line = line
        self.tokens = tokens
        self.words = [token.text for token in tokens]
        self.size = len(tokens)
        self.keyword = self.words[0].lower() if tokens else ""
        self.dialect = dialect
        self.i = 1
        self.notes: list[Report] = []

    @property
    def at_end(self) -> bool:
        return self.i >= self.size

    @property
    def word(self) -> str:
        """The next word; only when not at the end."""
        return self.words[self.i]

    @property
    def low(self) -> str:
        """The next word in small letters; "" at the end."""
        return self.words[self.i].lower() if self.i < self.size else ""

    def take(self, what: str) -> str:
        """The next word, passed over; refuses the end of the statement, saying what is missing."""
        if self.i >= self.size:
            raise self.problem(f"expected {what}")
        word = self.words[self.i]
        self.i += 1
        return word

    def problem(
        self,
        what: str,
        at: int | None = None,
        *,
        legal: Iterable[str] = (),
        nearest: str = "",
        code: str = "syntax",
    ) -> SyntaxProblem:
        """A refusal that points at word number `at` (default: the next one, or the end).

        `nearest` is what to propose; when it is "", the word of `legal` nearest to the wrong one.
        """
        place = self.i if at is None else at
        near = ""
        if place < self.size:
            token = self.tokens[place]
            near = f" near <{shortened(token.text, 60)}>"
            nearest = nearest or _nearest_to(token.text, tuple(legal))
            nearest = "" if nearest == token.text else nearest
            span = self.line.span(token.start, token.end)
        else:
            end = self.tokens[-1].end if self.tokens else 0
            span = self.line.span(end, end + 1)
        hint = f" (did you mean '{nearest}'?)" if nearest else ""
        message = (
            f"syntax in {self.keyword}: {what}{near}{hint} parsing '{shortened(self.line.text)}'"
        )
        return SyntaxProblem(message, span, nearest=nearest, code=code)

    def note(self, code: str, message: str, severity: Severity = Severity.INFO) -> None:
        """Something to tell that does not stop the statement; placed at the word before."""
        token = self.tokens[min(self.i, self.size) - 1]
        span = self.line.span(token.start, token.end)
        self.notes.append(Report(code, severity, message, span=span))

    def finish(self, what: str = "unexpected word") -> None:
        """Refuses what is left."""
        if not self.at_end:
            raise self.problem(what)

    # -- words that many statements share ----------------------------------------------------

    def object_id(self) -> str:
        """The id of the object, `id=` in front allowed."""
        word = self.take("an id")
        if word.startswith("id="):
            word = word[3:]
        return self.checked_id(word)

    def checked_id(self, word: str, at: int | None = None) -> str:
        if not ID.match(word):
            raise self.problem(
                "an id is made of letters, digits, '_', '-', '.' and begins with a letter or '_'",
                self.i - 1 if at is None else at,
                code="bad-id",
            )
        return word

    def reference(self, what: str) -> str:
        """The id of another object."""
        return self.checked_id(self.take(what))

    def description(self) -> str:
        """`description=TEXT` when it stands here, else ""."""
        if self.i < self.size and self.words[self.i].lower().startswith("description="):
            return self.take("a description").partition("=")[2]
        return ""

    def named_values(self, stops: frozenset[str]) -> list[tuple[str, str]]:
        """`NAME=VALUE …` up to a keyword of `stops` or the end; twice the same name is refused."""
        found: dict[str, str] = {}
        while self.i < self.size and self.low not in stops:
            name, equal, value = self.word.partition("=")
            if not equal or not ID.match(name):
                raise self.problem("expected NAME=VALUE", legal=stops)
            if name in found:
                raise self.problem(f"{name} is given twice")
            found[name] = value
            self.i += 1
        return list(found.items())

    def pair(self, legal: Iterable[str] = ()) -> NvPair:
        """One nvpair in any of its four forms."""
        word = self.words[self.i]
        pair = pair_from_word(word)
        if pair is None:
            blanks = ", without blanks around =" if word.startswith("=") else ""
            raise self.problem(f"expected NAME=VALUE{blanks}", legal=legal)
        self.i += 1
        return pair

    def role(self, word: str, at: int) -> str:
        """The role as the schema spells it; old names become new ones and the reverse."""
        dialect = self.dialect
        if dialect.has_new_roles and dialect.typed and word in OLD_ROLES:
            new = OLD_ROLES[word]
            self.note("old-role", f"role '{word}' is called '{new}' now; '{new}' is written")
            return new
        if not dialect.has_new_roles and word in NEW_ROLES:
            old = NEW_ROLES[word]
            self.note(
                "new-role",
                f"the schema of this CIB is older than role '{word}'; '{old}' is written",
                Severity.WARNING,
            )
            return old
        for role in dialect.roles:
            if role.lower() == word.lower():
                return role
        raise self.problem(
            f"'{word}' is not a role ({', '.join(dialect.roles)})", at, legal=dialect.roles
        )

    def rule_role(self, word: str) -> str:
        """A role inside a rule: exact old names are made new, everything else stays as typed."""
        dialect = self.dialect
        if dialect.has_new_roles and dialect.typed and word in OLD_ROLES:
            return OLD_ROLES[word]
        return word

    def boolean(self, value: str, at: int) -> str:
        """`true` or `false` of the usual words."""
        low = value.lower()
        if low in {"true", "yes", "on", "1", "y"}:
            return "true"
        if low in {"false", "no", "off", "0", "n"}:
            return "false"
        raise self.problem(f"'{value}' is neither true nor false", at, legal=("true", "false"))

    def agent(self, word: str) -> tuple[str, str, str]:
        """(class, provider, type) of an agent name; a bare type is looked up."""
        at = self.i - 1
        # The name of a systemd unit may have colons.
        parts = word.split(":", 1) if word.startswith("systemd:") else word.split(":")
        if len(parts) > 3 or not all(_AGENT_PART.match(part) for part in parts):
            raise self.problem(
                "expected an agent as [CLASS:[PROVIDER:]]TYPE", at, nearest=agent_for(word)
            )
        if len(parts) == 3:
            if parts[0] != "ocf":
                raise self.problem(f"only class ocf has providers, '{parts[0]}' has none", at)
            return parts[0], parts[1], parts[2]
        if len(parts) == 2 and parts[0] != "ocf":
            return parts[0], "", parts[1]
        kind = parts[-1]
        if len(parts) == 1 and kind.startswith(("fence_", "external/", "rhcs/")):
            return "stonith", "", kind
        providers = self.dialect.providers(kind)
        if not providers or "heartbeat" in providers:
            return "ocf", "heartbeat", kind
        return "ocf", "pacemaker" if "pacemaker" in providers else providers[0], kind


def _nearest_to(word: str, legal: tuple[str, ...]) -> str:
    """The legal word nearest to the word, or to its part behind `=` or `:`."""
    parts = (
        word.rstrip(":"),
        word.partition("=")[0],
        word.partition("=")[2],
        word.partition(":")[2],
    )
    for part in parts:
        found = nearest_word(part, legal) if legal else ""
        if found:
            return found
    return ""


def pair_from_word(word: str) -> NvPair | None:
    """The nvpair that a word stands for, None when it is none."""
    first = word[:1]
    if first == "$":
        named = _NAMED_PAIR.match(word)
        if named is not None:
            return NvPair(named[2] or named[1], named[3], named[1])
        bare = _NAMED_BARE.match(word)
        return NvPair(bare[2], None, bare[1]) if bare is not None else None
    if first == "@":
        ref = _PAIR_REF.match(word)
        return NvPair(ref[2] or "", None, "", ref[1]) if ref else None
    name, equal, value = word.partition("=")
    if equal:
        return NvPair(name, value) if name else None
    return NvPair(word) if _BARE_NAME.match(word) else None


def score_from_word(word: str) -> tuple[str | None, str]:
    """(score as in XML, score-attribute) of a score without its colon (shell 2.1)."""
    match = _SCORE.match(word)
    if match is None or (match[2] and not _NUMBER.match(word)):
        return None, word
    if match[2]:
        return word, ""
    if match[3]:
        return "INFINITY", ""
    if match[4]:
        return "0", ""
    return match[1] + "INFINITY", ""
