"""Expositions for property tests: lawful ones from a model, and those with a few characters or lines changed."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = ["engine:queue_depth", "requests_total", "ttft_seconds", "cacheHits", "wait_ms", "x_count", "kv_blocks", "t"]
LABELS = ["model_name", "pod", "le", "quantile", "modelName", "a"]
VALUES = ["m", "", "0.5", "a b", 'quo\\"te', "back\\\\slash", "new\\nline", "}", "{", ",", "#", "ünï", "1e3"]
NUMBERS = ["0", "1", "2.5", "3.0", "1e+06", "0.001", "-1", "NaN", "+Inf", "-Inf", "17"]


@st.composite
def label_sets(draw: st.DrawFn, *, own: bool = True) -> dict[str, str]:
    names = LABELS if own else [name for name in LABELS if name not in ("le", "quantile")]
    chosen = draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    return {name: draw(st.sampled_from(VALUES)) for name in chosen}


def shown(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}" if labels else ""


@st.composite
def families(draw: st.DrawFn, name: str, *, openmetrics: bool) -> list[str]:
    kinds = ["counter", "gauge", "histogram", "summary", "unknown" if openmetrics else "untyped"]
    kind = draw(st.sampled_from(kinds))
    if openmetrics and kind == "counter":
        name = name.removesuffix("_total")
    lines = [f"# HELP {name} Some text."] if draw(st.booleans()) else []
    lines.append(f"# TYPE {name} {kind}")
    groups = draw(st.lists(label_sets(own=False), min_size=0, max_size=3, unique_by=shown))
    seen: set[frozenset[tuple[str, str]]] = set()
    for labels in groups:
        key = frozenset(labels.items())
        if key in seen:
            continue
        seen.add(key)
        lines += draw(_samples(name, kind, labels, openmetrics=openmetrics))
    return lines


@st.composite
def _samples(draw: st.DrawFn, name: str, kind: str, labels: dict[str, str], *, openmetrics: bool) -> list[str]:
    if kind == "histogram":
        bounds = sorted(draw(st.lists(st.sampled_from([0.1, 0.5, 1.0, 2.5, 10.0]), max_size=3, unique=True)))
        counts = sorted(draw(st.lists(st.integers(0, 9), min_size=len(bounds) + 1, max_size=len(bounds) + 1)))
        first = draw(st.booleans())
        lines = []
        for bound, count in zip([*map(str, bounds), "+Inf"], counts, strict=True):
            with_le = {"le": bound, **labels} if first else {**labels, "le": bound}
            lines.append(f"{name}_bucket{shown(with_le)} {count}")
        return [*lines, f"{name}_count{shown(labels)} {counts[-1]}", f"{name}_sum{shown(labels)} 4.5"]
    if kind == "summary":
        quantile = f"{name}{shown({**labels, 'quantile': '0.5'})} 1.5"
        return [quantile, f"{name}_sum{shown(labels)} 4.5", f"{name}_count{shown(labels)} 3"]
    if kind == "counter":
        value = draw(st.sampled_from([one for one in NUMBERS if one not in ("-1", "NaN", "-Inf")]))
        return [f"{name}{'_total' if openmetrics else ''}{shown(labels)} {value}"]
    return [f"{name}{shown(labels)} {draw(st.sampled_from(NUMBERS))}"]


@st.composite
def lawful(draw: st.DrawFn, *, openmetrics: bool) -> str:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    lines = [line for name in names for line in draw(families(name, openmetrics=openmetrics))]
    return "\n".join([*lines, *(["# EOF"] if openmetrics else [])]) + "\n"


@st.composite
def damaged(draw: st.DrawFn, *, openmetrics: bool) -> str:
    """One or two lines dropped, repeated, moved, or with a few characters changed."""
    lines = draw(lawful(openmetrics=openmetrics)).split("\n")[:-1]
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["drop", "repeat", "swap", "insert", "delete", "replace", "append"]))
        line = lines[at]
        spot = draw(st.integers(0, max(0, len(line) - 1)))
        if how == "drop" and len(lines) > 1:
            del lines[at]
        elif how == "repeat":
            lines.insert(draw(st.integers(0, len(lines))), line)
        elif how == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif how == "insert":
            piece = draw(
                st.sampled_from([*' \t{}",=#\\-_:.1e', "\r", " # {} 1", " 5", "__", "ü", "Inf", ' # {a="b"} 1 2'])
            )
            lines[at] = line[:spot] + piece + line[spot:]
        elif how == "delete":
            lines[at] = line[:spot] + line[spot + 1 :]
        elif how == "replace":
            lines[at] = line[:spot] + draw(st.sampled_from([*' {}",=#\\-_:9N', "é"])) + line[spot + 1 :]
        else:
            lines[at] = line + draw(st.sampled_from([" ", " 1700000000000", " 1.5", "\t", " # {} 1", "5", "."]))
    return "\n".join(lines) + draw(st.sampled_from(["\n", "\n", "\n", ""]))
