"""Under which names the service may be reached: a name that somebody else made point here is refused."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.exceptions import HTTPException
from starlette.requests import Request

from agent.service.guard_hosts import EVERYWHERE, Named, authority_of, bracketed

LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})


class Names:
    """The check of the Host header against DNS rebinding: a name that somebody else made point here has to
    be one that the person who runs the service knows."""

    def __init__(self, named: Named, bound_host: str) -> None:
        self._listens_everywhere = bound_host in EVERYWHERE
        own = frozenset() if self._listens_everywhere else {bracketed(bound_host).lower()}
        self._names = LOOPBACK | own | {host.name for host in named.hosts if not host.port}
        self._exact = {host for host in named.hosts if host.port}

    def check(self, request: Request) -> None:
        """Raises HTTPException 400 or 421."""
        stated = request.headers.getlist("host")
        authority = authority_of(stated[0]) if len(stated) == 1 else None
        if authority is None:
            raise HTTPException(400, "The request needs exactly one Host header with a name and a port.")
        if authority.name in self._names or authority in self._exact or self._is_where_it_came(request):
            return
        raise HTTPException(
            421,
            f"This service does not answer to the name {authority.name}. "
            "Whoever runs it can add further names with BMS_HOSTS.",
        )

    def _is_where_it_came(self, request: Request) -> bool:
        """The number of the very address that was connected to is no name that could be pointed elsewhere."""
        server = request.scope.get("server")
        authority = authority_of(request.headers["host"])
        if not self._listens_everywhere or not server or authority is None:
            return False
        try:
            return ip_address(authority.name.strip("[]")) == ip_address(str(server[0]))
        except ValueError:
            return False
