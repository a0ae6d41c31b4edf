"""A headless Chromium, controlled by the DevTools protocol over two pipes: without a driver, a port or a network."""

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
    "--no-sandbox",  # CI runs as root, and opens only pages that the tests make
    "--force-prefers-reduced-motion",
    "--remote-debugging-pipe",
)


def chromium_path() -> str:
    """Return the path of a Chromium on PATH; "" where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), "")


class BrowserPage:
    """A page in the browser."""

    def __init__(self, to_browser: IO[bytes], answers: IO[bytes]) -> None:
        self._out = to_browser
        self._in = answers
        self._number = 0
        self._buffer = b""
        self._session = ""
        self.events: list[dict[str, Any]] = []
        """Events that the browser sent: requests, log entries, exceptions."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol and return its result; raise AssertionError with the answer where it fails."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        session = {"sessionId": self._session} if self._session else {}
        self._out.write(json.dumps({**message, **session}).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = self._in.read(65536)
            assert chunk, "the browser has exited"
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded

    def close(self) -> None:
        """Close the browser."""
        self._session = ""
        self.call("Browser.close")

    def open(self, file: Path, fragment: str = "") -> None:
        """Load *file* and wait for the load event."""
        for url in ("about:blank", file.as_uri() + fragment):  # reloads the file even where only the fragment differs
            self.events.clear()
            self.call("Page.navigate", url=url)
            while not any(each.get("method") == "Page.loadEventFired" for each in self.events):
                self.events.append(self._message())

    def run(self, script: str) -> Any:
        """Return the value of the expression *script*, evaluated in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def resize(self, width: int, height: int, scheme: str = "light", medium: str = "screen") -> None:
        """Set the size of the window in pixels, the color scheme and the medium."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=medium, features=features)

    def press(self, name: str) -> None:
        """Press a key."""
        code = {"Tab": 9, "Enter": 13}[name]
        text = {"text": "\r"} if name == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, **text)

    def screenshot(self, file: Path) -> None:
        """Write the content of the window as a PNG file."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def print_to_pdf(self) -> bytes:
        """Return the page as PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])


@contextmanager
def browser(profile: Path) -> Iterator[BrowserPage]:
    """Start a Chromium with the user data directory *profile*, and open one page in it."""
    browser_in, our_out = os.pipe()
    our_in, browser_out = os.pipe()
    # Chromium reads the protocol from descriptor 3 and writes it to descriptor 4.
    shell = f'exec "$0" "$@" 3<&{browser_in} 4>&{browser_out}'
    command = ["bash", "-c", shell, chromium_path(), *_FLAGS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(  # noqa: S603 - a browser found on PATH
        command, pass_fds=(browser_in, browser_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(browser_in)
    os.close(browser_out)
    try:
        with os.fdopen(our_out, "wb", buffering=0) as to_browser, os.fdopen(our_in, "rb", buffering=0) as answers:
            page = BrowserPage(to_browser, answers)
            yield page
            page.close()
    finally:
        process.terminate()
        process.wait(10)
