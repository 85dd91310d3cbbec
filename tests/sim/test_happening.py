"""What happens is told to those who asked for it, at once, in their order."""

from trio_lb.sim.happening import Happening, What, Wire


def test_each_ear_hears_what_it_asked_for_in_the_order_of_asking() -> None:
    heard: list[tuple[str, Happening]] = []
    wire = Wire(lambda: 1.5)
    wire.hear(lambda each: heard.append(("all", each)))
    wire.hear(lambda each: heard.append(("answers", each)), What.ANSWER)
    wire.tell(What.ARRIVE, "web", 0, 7, "GET")
    wire.tell(What.ANSWER, "web", 3, 7, 200, 2, 1000, "s1")
    arrive = Happening(1.5, What.ARRIVE, "web", 0, 7, ("GET",))
    answer = Happening(1.5, What.ANSWER, "web", 3, 7, (200, 2, 1000, "s1"))
    assert heard == [("all", arrive), ("all", answer), ("answers", answer)]


def test_a_note_is_of_the_request_whose_id_it_names_while_that_is_under_way() -> None:
    heard: list[Happening] = []
    wire = Wire(lambda: 1.5)
    wire.hear(heard.append, What.NOTE)
    wire.numbers.begin("a7", 17)
    wire.note("orders", "asks the stock", 3, request_id="a7")
    wire.numbers.end("a7", 17)
    wire.note("orders", "is too late", request_id="a7")
    assert heard == [
        Happening(1.5, What.NOTE, "orders", 0, 17, ("asks the stock", 3)),
        Happening(1.5, What.NOTE, "orders", 0, 0, ("is too late",)),
    ]


def test_a_happening_says_itself() -> None:
    happening = Happening(0.25, What.EJECT, "lb", 0, 0, ("s1", "default", "gateway", 30))
    assert str(happening) == "0.250000 s eject lb s1 default gateway 30"
