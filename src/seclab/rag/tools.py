"""Tools and calls as records. Nothing here runs anything: an executed call is only written down."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the agent could do.

    Attributes:
        name: Snake case.
        arguments: Names of what a call must be given.
        description: What it would do, for reports.
    """

    name: str
    arguments: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool and the arguments of one call, sorted by name so that equal calls are equal.

    Build one with :func:`call`.
    """

    tool: str
    arguments: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.tool}({', '.join(f'{name}={value}' for name, value in self.arguments)})"


def call(tool: str, **arguments: str) -> ToolCall:
    """A call of a tool.

    Examples:
        >>> str(call("refund", order="HP-10001", amount="5.00 EUR"))
        'refund(amount=5.00 EUR, order=HP-10001)'
    """
    return ToolCall(tool, tuple(sorted(arguments.items())))


SEARCH = Tool("search", ("query",), "looks up documents; reads only")
REFUND = Tool("refund", ("amount", "order"), "pays money back to the buyer of an order")
SEND_EMAIL = Tool("send_email", ("recipient", "subject"), "writes to an address outside")
RESET_PASSWORD = Tool("reset_password", ("account",), "locks the owner out of an account")
EXPORT_CUSTOMER_DATA = Tool("export_customer_data", ("recipient",), "hands all records to someone")

TOOLS = (SEARCH, REFUND, SEND_EMAIL, RESET_PASSWORD, EXPORT_CUSTOMER_DATA)
