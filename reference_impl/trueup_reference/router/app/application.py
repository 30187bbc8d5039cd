"""The endpoints, and the structured errors of everything that has none."""

from __future__ import annotations

import logging

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from trueup_reference.router.app.as_worker import AsWorker
from trueup_reference.router.app.completions import Completions, Models
from trueup_reference.router.app.generating import Generate
from trueup_reference.router.app.health import Healthz, Metrics, Readyz
from trueup_reference.router.app.work import Service

logger = logging.getLogger("trueup_reference.router.app")


def make_app(service: Service) -> ASGIApp:
    """The application. Whoever made the router starts and closes it."""
    reading = ["GET", "HEAD"]
    app = Starlette(
        routes=[
            Route("/v1/generate", Generate(service, "/v1/generate")),
            Route("/v1/completions", Completions(service, "/v1/completions")),
            Route("/v1/prefill", AsWorker(service, "prefill")),
            Route("/v1/decode", AsWorker(service, "decode")),
            Route("/v1/models", Models(service), methods=reading),
            Route("/healthz", Healthz(), methods=reading),
            Route("/readyz", Readyz(service), methods=reading),
            Route("/metrics", Metrics(service), methods=reading),
        ],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )
    app.router.redirect_slashes = False
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        message = f"{request.method} is not for {request.url.path[:200]}"
    elif error.status_code == 404:
        message = f"there is nothing at {request.url.path[:200]}"
    else:
        message = error.detail
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    return _told(error.status_code, code, message, dict(error.headers or {}))


async def _failed(_: Request, __: Exception) -> Response:
    # Starlette hands the exception on to the server, which logs it.
    return _told(500, "internal", "a fault of the router's own", {})


def _told(status: int, code: str, message: str, headers: dict[str, str]) -> Response:
    about = {"code": code, "message": message, "request_id": None, "pool": None}
    return Response(msgspec.json.encode({"error": about}), status, headers, media_type="application/json")
