"""Parts of the data path for tests that need one part alone: contexts, clients, exchanges."""

from typing import Any

from tests.net.wires import Recorded
from trio_lb.config.schema import Config
from trio_lb.model.events import Event
from trio_lb.model.message import Framing, Reject, RequestHead, Unsized
from trio_lb.net.bus import Bus
from trio_lb.net.env import Env, Stream
from trio_lb.net.h1_downstream import RequestReader
from trio_lb.net.h11_codec import H11Codec
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.exchange import Client, Exchange
from trio_lb.proxy.request_body import RequestBody

READER = RequestReader(H11Codec(), head_size=65536, target_size=32768, header_count=100)


def head_of(text: str) -> RequestHead:
    """Read a request head, given with plain newlines and without the empty line."""
    head = READER.parse("\r\n".join([*text.split("\n"), "", ""]).encode("latin-1"))
    assert not isinstance(head, Reject), head
    return head


GET = head_of("GET / HTTP/1.1\nHost: a")
OLD_GET = head_of("GET / HTTP/1.0\nHost: a")
POST = head_of("POST / HTTP/1.1\nHost: a\nContent-Length: 4")


def context_of(env: Env, **config: Any) -> ProxyContext:
    """What the connections of one balancer share; idle connections are not timed."""
    return ProxyContext(Config(**config), env, H11Codec(), Bus(), lambda connections: None)


def news_of(context: ProxyContext) -> list[Event]:
    """A list that everything published from now on is added to."""
    news: list[Event] = []
    context.bus.on(Event, news.append)
    return news


def exchange_of(
    context: ProxyContext,
    head: RequestHead | None = GET,
    *,
    stream: Stream | None = None,
    framing: Framing | None = None,
    keep: bool = True,
) -> Exchange:
    """An exchange whose client says no more than ``stream`` does."""
    client = Client(context, stream or Recorded([]), "http")
    shape = framing or (head.framing if head is not None else Unsized.NO_BODY)
    body = RequestBody(client.inbox, shape, replay_limit=65536, limit=None)
    return Exchange(context, client, head, body, now=context.env.now(), keep=keep)
