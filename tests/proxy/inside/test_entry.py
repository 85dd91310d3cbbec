"""What stands under ``app``: loaded by name, and told apart by what it can be called with."""

from typing import Any

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.proxy.inside.entry import Kind, kind_of, load, name_of


class Place:
    """Something with applications in it."""

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Take an ASGI call."""

    async def handle(self, request: Any, *, retries: int = 3) -> str:
        """Take a request."""
        return f"{retries}"


place = Place()


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (place.app, Kind.ASGI),
        (place.handle, Kind.HANDLER),
        (lambda *args: None, Kind.ASGI),
        (lambda request, context=None: None, Kind.HANDLER),
        (lambda request, database=None, cache=None: None, Kind.HANDLER),
    ],
)
def test_three_arguments_are_asgi_and_one_is_a_request(app: object, kind: Kind) -> None:
    assert kind_of(app) is kind


@pytest.mark.parametrize(
    ("app", "message"),
    [
        (Place, "app: Place is a class: give an instance of it"),
        (7, "app: int can't be called"),
        (lambda a, b: None, "takes neither"),
    ],
)
def test_what_is_neither_is_refused(app: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        kind_of(app)


def test_a_name_is_imported_and_followed_to_its_end() -> None:
    assert load("tests.proxy.inside.test_entry:place.app") == place.app
    assert load(place) is place


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tests.proxy.inside.nowhere:app", "ModuleNotFoundError"),
        ("tests.proxy.inside.test_entry:place.nothing", "AttributeError"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused_with_the_reason(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^app: '{name}' can't be imported: {message}"):
        load(name)


def test_people_know_code_by_its_own_name() -> None:
    assert [name_of(app) for app in ("a:b", place.app, place)] == ["a:b", "Place.app", "Place"]
