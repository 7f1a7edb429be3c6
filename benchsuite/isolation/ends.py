"""The ways in which an isolated call ends without a result."""


class LostCallError(Exception):
    """A call without a result: why, the end of what its process printed, and a traceback where there is one.

    by_machine: it was ended from outside (a limit, the system, a signal), so that another try may well succeed.
    """

    def __init__(self, reason: str, output: str = "", traceback: str = "", *, by_machine: bool = False) -> None:
        super().__init__(reason)
        self.output = output
        self.traceback = traceback
        self.by_machine = by_machine


class RaisedError(LostCallError):
    """The function raised; its process lives on. The reason names the exception: `ValueError: no`."""


class TimedOutError(LostCallError):
    """The call took longer than it may, and its process was ended. `output` says where it was."""


class OutOfMemoryError(LostCallError):
    """The process took more memory than it may, and was ended. `output` says where it was."""


class DiedError(LostCallError):
    """The process ended by itself: an exit, or a signal."""
