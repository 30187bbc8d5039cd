"""The router behind HTTP: an ASGI application. Clients' requests are read and answered here, and nothing is decided."""

from trueup_reference.router.app.application import make_app
from trueup_reference.router.app.work import Service

__all__ = ["Service", "make_app"]
