"""The figures, what they should be, and how they are shown."""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """What a figure has to reach now and later: our own value, or its ratio to the raw server's."""

    now: float
    later: float
    ratio: bool = False
    at_least: bool = False

    def reached(self, value: float, wanted: float) -> bool:
        return value >= wanted if self.at_least else value <= wanted

    def shown(self, value: float) -> str:
        parts = []
        for name, wanted in (("now", self.now), ("later", self.later)):
            sign = ("≥" if self.at_least else "≤") if self.reached(value, wanted) else "MISSES"
            parts.append(f"{name} {sign} {wanted:,g}")
        return "  ".join(parts)


@dataclass(frozen=True)
class Figure:
    """One line of the report."""

    key: str
    label: str
    decimals: int = 1
    target: Target | None = None


FIGURES = (
    Figure("fanout.cpu", "fan-out: CPU per delivery, Postgres included, µs", 2, Target(1.8, 1.3, ratio=True)),
    Figure("fanout.p50", "fan-out: delivery p50, ms"),
    Figure("fanout.p99", "fan-out: delivery p99, ms"),
    Figure("fanout.bytes", "fan-out: bytes per delivery", 0),
    Figure("sends.one.rate", "sends into one room, a second", 0, Target(1200, 3000, at_least=True)),
    Figure("sends.one.cpu", "sends into one room: CPU per send, ms", 3),
    Figure("sends.one.server", "sends into one room: of it in the server, ms", 3),
    Figure("sends.one.p50", "sends into one room: p50, ms"),
    Figure("sends.one.p99", "sends into one room: p99, ms"),
    Figure("sends.many.rate", "sends into many rooms, a second", 0, Target(1200, 3000, at_least=True)),
    Figure("sends.many.cpu", "sends into many rooms: CPU per send, ms", 3),
    Figure("sends.many.server", "sends into many rooms: of it in the server, ms", 3),
    Figure("sends.many.p50", "sends into many rooms: p50, ms"),
    Figure("sends.many.p99", "sends into many rooms: p99, ms"),
    Figure("memory.stream", "memory per idle stream, kB", 1, Target(16, 12)),
    Figure("memory.first", "memory per stream among the first, kB"),
    Figure("memory.process", "memory of the server at rest, MB"),
    Figure("pages.rate", "conversation pages a second", 0, Target(400, 1000, at_least=True)),
    Figure("pages.cpu", "pages: CPU per page, ms", 3),
    Figure("pages.server", "pages: of it in the server, ms", 3),
    Figure("pages.p50", "pages: p50, ms"),
    Figure("pages.p99", "pages: p99, ms"),
    Figure("pages.size", "pages: size, kB"),
    Figure("idle.cpu", "1,000 idle streams: % of one core", 2),
)


DISTURBED = 0.2  # of one core, used by others or kept back by the host: then the figures are not ours alone


class Measured:
    """All values of all rounds, by figure and server."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, list[float]]] = {}
        self.busy: dict[str, dict[str, list[Mapping[str, float]]]] = {}
        self.lost: list[str] = []

    def add(self, server: str, turns: Sequence[Mapping[str, float]], whole: Mapping[str, float]) -> None:
        """What one server gave in a round: figures of each turn, and those of the round."""
        for figures in (*turns, whole):
            for key, value in figures.items():
                self.values.setdefault(key, {"ours": [], "raw": []})[server].append(value)

    def add_busy(self, scenario: str, server: str, turns: Sequence[Mapping[str, float]]) -> None:
        """Who used the cores meanwhile."""
        self.busy.setdefault(scenario, {}).setdefault(server, []).extend(turns)

    def table(self) -> str:
        """One line a figure: the medians of both, the median of the pairwise ratios with the least and the greatest."""
        lines = [f"{'':50}{'ours':>10}{'raw':>10}   {'ratio (from - to)':22}target"]
        lines += [_line(figure, self.values[figure.key]) for figure in FIGURES if figure.key in self.values]
        lines += ["", "Busy, % of one core (a client near 100 has measured itself):"]
        for scenario, of_servers in self.busy.items():
            lines += [f"  {scenario:14}{server:6}{_shares(turns)}" for server, turns in of_servers.items()]
        if any(share > DISTURBED for share in self._disturbance()):
            lines.append("The machine was disturbed: trust the ratios and the CPU per unit, not rates and delays.")
        return "\n".join(lines)

    def _disturbance(self) -> Iterator[float]:
        for of_servers in self.busy.values():
            for turns in of_servers.values():
                means = _means(turns)
                yield means["others"] + means["stolen"]

    def write_json(self, path: Path, machine: Mapping[str, object]) -> None:
        """Everything that was measured, for a program to compare."""
        figures = {
            figure.key: {
                "label": figure.label,
                **self.values[figure.key],
                "ratio": statistics.median(_ratios(self.values[figure.key]) or [0.0]),
            }
            for figure in FIGURES
            if figure.key in self.values
        }
        busy = {name: {server: _means(turns) for server, turns in of.items()} for name, of in self.busy.items()}
        whole = {"machine": machine, "figures": figures, "busy": busy, "lost": self.lost}
        path.write_text(json.dumps(whole, indent=1) + "\n")


def _line(figure: Figure, values: Mapping[str, Sequence[float]]) -> str:
    ours, raw = (statistics.median(values[name]) for name in ("ours", "raw"))
    found = _ratios(values)
    ratio = statistics.median(found or [0.0])
    spread = f"{ratio:.2f} ({min(found):.2f} - {max(found):.2f})" if found else "-"
    target = figure.target
    wanted = target.shown(ratio if target.ratio else ours) if target else ""
    return (
        f"{figure.label:50}{ours:>10,.{figure.decimals}f}{raw:>10,.{figure.decimals}f}   {spread:22}{wanted}".rstrip()
    )


def _ratios(values: Mapping[str, Sequence[float]]) -> list[float]:
    """Ours to raw, turn by turn: what disturbed the machine disturbed both of a pair."""
    return [ours / raw for ours, raw in zip(values["ours"], values["raw"], strict=True) if raw > 0]


def _shares(turns: Sequence[Mapping[str, float]]) -> str:
    return "  ".join(f"{who} {share * 100:3.0f}" for who, share in _means(turns).items())


def _means(turns: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {who: statistics.mean(turn[who] for turn in turns) for who in turns[0]}
