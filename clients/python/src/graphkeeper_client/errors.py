"""Errors of the client."""

from __future__ import annotations

from typing import Any


class GraphkeeperError(Exception):
    """
    A call that did not succeed. ``code`` is one of the service's catalogue (``DOCUMENT_NOT_FOUND``, ``BLAST_RADIUS``, …), or
    ``UNREACHABLE`` when nobody answered; ``status`` is 0 then.
    """

    def __init__(self, code: str, message: str, *, status: int = 0, problem: dict[str, Any] | None = None) -> None:
        super().__init__(f"{message} [{code}]")
        self.code = code
        self.status = status
        self.problem = problem or {}

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return str(self.problem.get("remedy", ""))

    @property
    def request_id(self) -> str | None:
        """By which the service's log names the request."""
        return self.problem.get("request_id")


class RunFailed(GraphkeeperError):
    """A run that was waited for ended in another state than ``succeeded`` or ``skipped``."""


class WaitTimeout(GraphkeeperError):
    """The time to wait was over before the run had ended; it goes on."""
