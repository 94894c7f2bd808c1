"""Why a document cannot be read."""


class InvalidDocument(Exception):
    """A document that is no YAML or JSON, or says what no Kubernetes object can.

    line: counted from 0 in the text of the document. column: from 1, or 0 if unknown.
    """

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column

    def __str__(self) -> str:
        """The problem, with the column when that is known."""
        return f"{self.problem} (column {self.column})" if self.column else self.problem


class LimitExceeded(InvalidDocument):
    """A document that may be good, and is deeper or larger than what is read; the text names the limit."""
