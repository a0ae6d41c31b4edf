"""A headless Chromium, spoken to over two pipes in its DevTools protocol: no driver, no port, no network."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-sandbox",  # it runs as root in CI, on pages that this test has made
    "--force-prefers-reduced-motion",
    "--remote-debugging-pipe",
)


def found() -> str:
    """Return the path of a Chromium; "" where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), "")


class Page:
    """One page in the browser."""

    def __init__(self, to_browser: IO[bytes], answers: IO[bytes]) -> None:
        self._out = to_browser
        self._in = answers
        self._number = 0
        self._rest = b""
        self._session = ""
        self.heard: list[dict[str, Any]] = []
        """What the browser said by itself: requests, log entries, exceptions."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol and return its result; raise what the browser answers where it fails."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        session = {"sessionId": self._session} if self._session else {}
        self._out.write(json.dumps({**message, **session}).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.heard.append(answer)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            chunk = self._in.read(65536)
            assert chunk, "the browser has gone"
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        said: dict[str, Any] = json.loads(message)
        return said

    def close(self) -> None:
        """Close the browser."""
        self._session = ""
        self.call("Browser.close")

    def open(self, file: Path, fragment: str = "") -> None:
        """Load *file* and wait until it is there."""
        for url in ("about:blank", file.as_uri() + fragment):  # the same file anew, if only the fragment is another
            self.heard.clear()
            self.call("Page.navigate", url=url)
            while not any(each.get("method") == "Page.loadEventFired" for each in self.heard):
                self.heard.append(self._message())

    def run(self, script: str) -> Any:
        """Return what the expression *script* comes to in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def sized(self, width: int, height: int, scheme: str = "light", medium: str = "screen") -> None:
        """Give the page a window of so many pixels, a colour scheme and a medium."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=medium, features=features)

    def key(self, name: str) -> None:
        """Press a key."""
        code = {"Tab": 9, "Enter": 13}[name]
        text = {"text": "\r"} if name == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, **text)

    def picture(self, file: Path) -> None:
        """Write a picture of what is in the window."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def printed(self) -> bytes:
        """Return the page as PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """Open a Chromium with that *profile*, and one page in it."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # The protocol is spoken on the descriptors 3 and 4.
    shell = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
    command = ["bash", "-c", shell, found(), *_FLAGS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(  # noqa: S603 - a browser by its own name
        command, pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        with os.fdopen(ours_out, "wb", buffering=0) as to_browser, os.fdopen(ours_in, "rb", buffering=0) as answers:
            page = Page(to_browser, answers)
            yield page
            page.close()
    finally:
        process.terminate()
        process.wait(10)
