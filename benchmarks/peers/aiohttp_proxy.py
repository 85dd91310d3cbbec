"""A reverse proxy with aiohttp on both sides: `python -m ... PORT ORIGIN_PORT [CERT KEY]`.

The client session keeps its connections; bodies stream both ways, unbuffered and
still compressed. Neither limits, retries nor health checks: less than any product
has, so it is a peer that is hard to beat in Python.
"""

import asyncio
import ssl
import sys
from typing import Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict, CIMultiDictProxy

HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
    }
)


def end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The headers that a proxy hands on (RFC 9110 section 7.6.1)."""
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    dropped = HOP_BY_HOP | named
    return CIMultiDict((k, v) for k, v in headers.items() if k.lower() not in dropped)


def request_headers(request: web.Request) -> CIMultiDict[str]:
    """What the origin gets: the client's, and who the client is."""
    headers = end_to_end(request.headers)
    seen = headers.popall("X-Forwarded-For", [])
    headers["X-Forwarded-For"] = ", ".join([*seen, request.remote or "unknown"])
    headers["X-Forwarded-Proto"] = request.scheme
    return headers


async def forward(request: web.Request, session: ClientSession, origin: str) -> web.StreamResponse:
    """Hand one request on and stream its answer back."""
    async with session.request(
        request.method,
        origin + request.raw_path,
        headers=request_headers(request),
        data=request.content if request.can_read_body else None,
        allow_redirects=False,
    ) as answer:
        response = web.StreamResponse(
            status=answer.status, reason=answer.reason, headers=end_to_end(answer.headers)
        )
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


async def serve(port: int, origin: str, tls: ssl.SSLContext | None) -> None:
    """Proxy for as long as the process lives."""
    async with ClientSession(
        connector=TCPConnector(limit=0),
        timeout=ClientTimeout(total=60),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    ) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            return await forward(request, session, origin)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096, ssl_context=tls).start()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until SIGTERM ends the process."""
    port, origin_port, *certificate = sys.argv[1:]
    tls = None
    if certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*certificate)
    asyncio.run(serve(int(port), f"http://127.0.0.1:{origin_port}", tls))


if __name__ == "__main__":
    main()
