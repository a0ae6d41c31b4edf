"""An HTTP server on a loopback port: moto as a WSGI application, with each AWS API call passed to a recorder."""

from __future__ import annotations

import io
import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Thread
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from pipeseal.sandbox import extend_moto
from pipeseal.sandbox.records import ApiRequest, ApiResponse

LOOPBACK = "127.0.0.1"
_POLL_SECONDS = 0.05

RecordCall = Callable[[ApiRequest, ApiResponse], None]


class PortUnavailable(Exception):
    """The server cannot listen on the port; the text says why."""


@contextmanager
def serving(port: int, record: RecordCall) -> Iterator[int]:
    """Serve an empty moto on LOOPBACK within the context; yield the port, which is any free one where *port* is 0.

    Raises PortUnavailable.
    """
    extend_moto()
    BackendDict.reset()
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    app = CallRecorder(DomainDispatcherApplication(create_backend_app), record)
    try:
        # werkzeug would print a message and exit where the port is in use.
        listening = socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise PortUnavailable(f"cannot listen on port {port}: {os.strerror(error.errno or 0)}") from error
    with listening:
        server = make_server(
            LOOPBACK, port, app, threaded=True, request_handler=_QuietRequestHandler, fd=listening.fileno()
        )
    arguments = {"poll_interval": _POLL_SECONDS}
    thread = Thread(target=server.serve_forever, kwargs=arguments, name="account", daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class CallRecorder:
    """WSGI middleware that passes each AWS API call which CloudTrail records, and its response, to *record*."""

    def __init__(self, app: WSGIApplication, record: RecordCall) -> None:
        """Wrap *app*."""
        self._app = app
        self._record = record

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request; the response is sent after *record* has returned."""
        if _request(environ).operation is None:
            return self._app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Callable[[bytes], object]:
            started.append((status, headers))
            return lambda _: None

        chunks = self._app(environ, start)
        content = b"".join(chunks)
        if close := getattr(chunks, "close", None):
            close()
        status, headers = started[-1]
        response_headers = {name.lower(): value for name, value in headers}
        self._record(_request(environ, body), ApiResponse(int(status.split()[0]), response_headers, content))
        start_response(status, headers)
        return [content]


def _request(environ: WSGIEnvironment, body: bytes = b"") -> ApiRequest:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    return ApiRequest(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""), headers, body)


class _QuietRequestHandler(MotoRequestHandler):
    """A request handler that writes no log line for each request to stderr."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Write nothing."""
