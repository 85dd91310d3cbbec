"""A file of faults: every problem has its line, those that only a world shows too."""

import random
from pathlib import Path

import attrs
import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim.sweep.faults_file import FaultsFile


@attrs.frozen
class Town:
    """A topology with two servers."""

    zones: tuple[str, ...] = ("a",)
    hosts: tuple[str, ...] = ("lb",)
    servers: tuple[str, ...] = ("s1", "s2")
    clients: tuple[str, ...] = ()
    websockets: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def zone_of(self, name: str) -> str | None:
        return "a"


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    return str(path)


def refusal(path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        FaultsFile.read(path).expand(60.0, random.Random(1), Town())
    return str(caught.value).replace(path, "F")


def test_a_good_file_becomes_certain_faults(tmp_path: Path) -> None:
    path = write(tmp_path, "faults:\n- {at: 10s, kind: crash, target: 'server:s1', for: 5s}\n")
    (fault,) = FaultsFile.read(path).expand(60.0, random.Random(1), Town())
    assert (fault.at, fault.until, fault.kind, str(fault.target)) == (
        10.0,
        15.0,
        "crash",
        "server:s1",
    )


def test_a_schedule_is_drawn_anew_from_each_seed(tmp_path: Path) -> None:
    path = write(
        tmp_path, "- {every: {poisson: 5s}, kind: crash, target: {random: servers}, for: 1s}\n"
    )
    file = FaultsFile.read(path)
    first, again, other = (file.expand(60.0, random.Random(seed), Town()) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "- {at: 1s, kind: crash, target: 'server:s1', for: 1s}\n"
            "- {at: 2s, kind: crash, target: 'server:s9', for: 1s}\n",
            "F:2 [1]: there is no server 's9'; there are: s1, s2",
        ),
        (
            "faults:\n\n- at: 2s\n  kind: crash\n  target: 'server:s9'\n",
            "F:3 [0]: there is no server 's9'; there are: s1, s2",
        ),
        (
            "- {at: 1s, kind: crahs, target: 'server:s1'}\n",
            "F:1 [0].kind: 'crahs' is no kind of fault; did you mean 'crash'?",
        ),
        (
            "- {at: 9s, kind: crash, target: 'server:s1'}\n"
            "- {at: 8s, kind: crash, target: 'server:s1'}\n",
            "F:2 [1].at: 8 s goes back: an entry above is at 9 s",
        ),
        ("- {at: 1s, kind: crash, target: 'server:s1', fro: 1s}\n",
         "F:1 [0].fro: unknown key; did you mean 'for'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_file_line_and_path(tmp_path: Path, text: str, told: str) -> None:
    assert refusal(write(tmp_path, text)) == told


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    assert refusal(str(tmp_path / "nowhere.yaml")) == "F cannot be read: No such file or directory"
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    assert refusal(str(tmp_path / "b.yaml")) == "F cannot be read: it is not UTF-8"
