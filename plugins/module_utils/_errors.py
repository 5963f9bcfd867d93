# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception tree of the collection (private to it).

Whatever a client library raises is translated, where it is raised, into one of these: a message for the person at the
keyboard that says what was attempted, on what and what came back, and a next step. Nothing here ever carries a secret.
"""

from __future__ import annotations


class RotationError(Exception):
    """What went wrong and what to do next. `str()` gives both: `message; next: next_step`."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}; next: {self.next_step}" if self.next_step else self.message


class RegistryError(RotationError):
    """The registry (`botops_*` variables) or what was asked of it is wrong; `problems` holds one line each."""

    def __init__(self, problems: list[str], next_step: str = "") -> None:
        super().__init__("\n".join(problems), next_step)
        self.problems = problems


class TokenError(RotationError):
    """A token is not what is due: malformed, dead, of another bot, lacking scopes."""


class StateError(RotationError):
    """The record's state does not allow what was asked for."""


class LockError(RotationError):
    """Another run holds the lock of an installation."""


class VaultError(RotationError):
    """Vault answered with an error, or not at all (`VaultUnavailable`)."""


class VaultUnavailable(VaultError):
    """Vault is sealed, stopped, unreachable or too slow; what was asked for may or may not have happened."""


class VaultDenied(VaultError):
    """Vault refused: a capability is missing, or the mount does not exist (the two look alike without more rights)."""


class VaultNotFound(VaultError):
    """No secret, version or mount at a path."""


class VaultConflict(VaultError):
    """Check-and-set failed: somebody else wrote in between."""


class SlackError(RotationError):
    """Slack refused a call. `code` is Slack's error code, such as `channel_not_found`."""

    def __init__(self, message: str, code: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.code = code


class SlackUnavailable(SlackError):
    """Slack did not answer, or not as Slack does. What was asked for may or may not have happened."""


class SlackLimited(SlackUnavailable):
    """Slack's rate limit: nothing was done. `seconds` is for how long it wants to be left alone."""

    def __init__(self, message: str, seconds: float, next_step: str = "") -> None:
        super().__init__(message, "ratelimited", next_step)
        self.seconds = seconds
