"""Processes that a test starts, watches and ends, with everything that they start."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path


def _runs(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def free_ports(count):
    """Ports that the system gives, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Process:
    """A command in a session of its own: everything it starts can be found and ended."""

    def __init__(self, command, *, cwd, environment, log):
        self.command, self.log = command, log
        with log.open("wb") as stream:
            self._popen = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def members(self):
        """The processes that run of its session, with what these started in sessions of its own."""
        table = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    # After the name, which may hold anything: state, parent, group, session.
                    words = (entry / "stat").read_text().rpartition(")")[2].split()
                    if words[0] != "Z":
                        table[int(entry.name)] = (int(words[1]), int(words[3]))
        found = {pid for pid, (_, session) in table.items() if session == self._popen.pid}
        while more := {pid for pid, (parent, _) in table.items() if parent in found} - found:
            found |= more
        return found

    def owns(self, port):
        """Whether one of its processes listens on a port."""
        listening = set()
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
                listening.add(f"socket:[{words[9]}]")
        for pid in self.members():
            with contextlib.suppress(OSError):
                for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        if str(descriptor.readlink()) in listening:
                            return True
        return False

    @property
    def code(self):
        """Exit code, ``None`` while it runs."""
        return self._popen.poll()

    def wait(self, seconds):
        """Exit code, once it ended by itself."""
        return self._popen.wait(timeout=seconds)

    def interrupt(self):
        """Ask it to end, as a container engine does."""
        self._popen.terminate()

    def end(self):
        """End it and what it started: asked first, killed where that is ignored."""
        # Whoever outlives its parent is no longer found as its child.
        doomed = self.members()
        for number, patience in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
            deadline = time.monotonic() + patience
            doomed |= self.members()
            for pid in doomed:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            while self.code is None or any(map(_runs, doomed)):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.1)
            else:
                return

    def said(self):
        """The end of what it printed, for messages."""
        return self.log.read_text(errors="replace")[-4000:]
