"""Statements from standard input or a file: continuation lines, places, and what an error does.

Decision 9(f): without -F a script is all or nothing. After an error the rest is still read, so that
every error is said, but nothing is committed and nothing acts on the cluster any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crmshell.dispatch import Dispatcher
from crmshell.environment import BYTE_ORDER_MARK, Environment
from crmshell.errors import ShellError
from crmshell.grammar.tokens import Line, join_lines


class Script:
    """The physical lines read so far, for the lines under messages."""

    def __init__(self, file: str, lines: Iterable[bytes]) -> None:
        self.file = file
        self._lines = lines
        self._read: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for raw in self._lines:
            given = raw if self._read else raw.removeprefix(BYTE_ORDER_MARK)
            text = given.decode("utf-8", "surrogateescape").rstrip("\r\n")
            self._read.append(text)
            yield text

    def line(self, file: str, number: int) -> str | None:
        """Text of a line that has been read; None for another file."""
        if file == self.file and 0 < number <= len(self._read):
            return self._read[number - 1]
        return None


def run_batch(dispatcher: Dispatcher, file: str, lines: Iterable[bytes]) -> int:
    """Run a script from where the session stands, then leave every level; the exit status."""
    session = dispatcher.session
    script = Script(file, lines)
    session.source_line = script.line
    worst = 0
    for line in join_lines(script, file):
        if line.is_blank or line.is_comment:
            continue
        status = dispatcher.run_line(line)
        if status:
            session.failed_lines += 1
            worst = max(worst, status)
            if session.batch_errors == "stop":
                break
        if session.leaving:
            break
    return max(worst, dispatcher.finish())


def script_lines(environment: Environment, path: str) -> Iterable[bytes]:
    """Physical lines of a file, or (`-`) of standard input as they come."""
    if path != "-":
        return environment.read_file(path).splitlines()
    return stdin_lines(environment)


def stdin_lines(environment: Environment) -> Iterator[bytes]:
    """Lines of standard input, each as soon as it is there."""
    buffer = getattr(environment.stdin, "buffer", None)
    if buffer is None:
        for text in environment.stdin:
            yield text.encode("utf-8", "surrogateescape")
        return
    try:
        yield from buffer
    except OSError as problem:
        raise ShellError(f"stdin: {problem.strerror or problem}", code="cannot-read") from None


def one_shot_line(words: Iterable[str]) -> Line:
    """The line for words of the command line; a word that would not come back as one is quoted."""
    return Line.single(" ".join(quoted_word(word) for word in words), "prompt")


def quoted_word(word: str) -> str:
    """A word of the command line, quoted again if it has blanks (shell 1.5)."""
    if word and not any(character.isspace() for character in word) and _quotes_close(word):
        return word
    if "'" not in word:
        return f"'{word}'"
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quotes_close(word: str) -> bool:
    """Whether the word's own quotes are closed and it does not end with an open backslash."""
    from crmshell.grammar.tokens import split_words

    try:
        return len(split_words(Line.single(word))) == 1
    except ShellError:
        return not ({"'", '"', "\\"} & set(word))
