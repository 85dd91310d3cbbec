"""Small answers to requests as a browser writes them: what fourteen header fields cost."""

from typing import Final

from benchmarks.origin import SMALL_PATH
from benchmarks.rows.small import Small
from benchmarks.wrk import Load

# With Host, which wrk adds, fourteen; the cookie is as long as those of many sites.
HEADERS: Final = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-GB,en;q=0.7,de;q=0.3",
    "Accept-Encoding: gzip, deflate, br",
    "Referer: https://shop.example/catalogue?page=3&sort=price",
    "Cookie: session=6f1d0c9a2b7e4f58; theme=dark; consent=analytics%3Dno; "
    "cart=eyJpdGVtcyI6W3siaWQiOjE3LCJuIjoyfV19",
    "DNT: 1",
    "Upgrade-Insecure-Requests: 1",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-User: ?1",
    "Priority: u=0, i",
)


class Browser(Small):
    """The same as ``small`` but for the requests' heads."""

    name = "browser"
    title = "32 connections, 14-field requests"
    in_quick = False
    loads = (Load(connections=32, path=SMALL_PATH, headers=HEADERS),)
