"""The errors a user can meet, each with the exit code the command line ends with."""

from collections.abc import Sequence


class SeclabError(Exception):
    """Base of every error raised on purpose.

    Args:
        problems: What was wrong and what to do about it, one sentence or more each. All problems
            that could be found are given at once.
    """

    exit_code = 2

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (
            (problems,) if isinstance(problems, str) else tuple(problems)
        )
        super().__init__("\n".join(self.problems))


class Misconfigured(SeclabError):
    """Wrong use: a register, a setting, an option or a name that cannot be right."""


class InvalidData(Misconfigured):
    """Data that cannot be what it claims to be: wrong shape, not finite, labels out of range."""


class UntrustedModel(SeclabError):
    """A model file that must not be loaded: wrong digest, damaged, or with foreign code in it."""

    exit_code = 1


class NotEvaluated(SeclabError):
    """Something that could not be measured. Never a pass: it blocks."""

    exit_code = 3


class StoreUnavailable(NotEvaluated):
    """The evidence store cannot be read or written: missing, locked, damaged or not permitted."""


class EvidenceMismatch(SeclabError):
    """Evidence that does not agree with itself. The problems are the differences found."""

    exit_code = 1


class PromotionRefused(SeclabError):
    """A promotion without a complete, passing and verified decision about this very model."""

    exit_code = 1
