"""Exporters that filter and rename otherwise than they were told to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from contracts.metrics.hooked import OPENMETRICS, Family, Hooked, Sample
from contracts.metrics.seeding import fault


@fault("MX-060")
class LosesTypes(Hooked):
    """passes samples on, and no types"""

    def read(self, exposition: bytes) -> list[Family]:
        families = super().read(exposition)
        for family in families:
            if family.type == "counter":
                family.name, family.type = family.name + "_total", "gauge"
                family.samples = [Sample("", one.labels, one.value) for one in family.samples]
        return families


@fault("MX-060")
class LosesHelp(Hooked):
    """writes a help text of its own"""

    def read(self, exposition: bytes) -> list[Family]:
        families = super().read(exposition)
        for family in families:
            family.help = "From the engine."
        return families


@fault("MX-060")
class WholeNumbers(Hooked):
    """passes values on as whole numbers"""

    def read(self, exposition: bytes) -> list[Family]:
        families = super().read(exposition)
        for family in families:
            for sample in family.samples:
                sample.value = float(int(sample.value))
        return families


@fault("MX-060")
class AddsALabel(Hooked):
    """adds a label of its own"""

    def read(self, exposition: bytes) -> list[Family]:
        families = super().read(exposition)
        for family in families:
            for sample in family.samples:
                sample.labels["exported_by"] = "bridge"
        return families


@fault("MX-061")
class KeepsWithin(Hooked):
    """keeps what holds the prefix anywhere in its name"""

    def is_kept(self, family: Family) -> bool:
        return not self.keep or any(prefix in family.written or family.written in prefix for prefix in self.keep)


@fault("MX-061")
class FirstPrefixOnly(Hooked):
    """looks at the first prefix to keep only"""

    def is_kept(self, family: Family) -> bool:
        return super().is_kept(family) and (not self.keep or family.written.startswith(self.keep[0]))


@fault("MX-061")
class ColonIsUnderscore(Hooked):
    """takes : and _ for the same"""

    def begins(self, name: str, prefix: str) -> bool:
        return name.replace(":", "_").startswith(prefix.replace(":", "_"))


@fault("MX-061")
class ForgetsSums(Hooked):
    """keeps lines that begin with the prefix and end in a number without a fraction"""

    def passed_on(self, families: Any) -> list[Family]:
        passed = super().passed_on(families)
        if self.keep:
            for family in passed:
                family.samples = [one for one in family.samples if one.suffix != "_sum"]
        return passed


@fault("MX-062")
class KeepWins(Hooked):
    """keeps what is to be kept, also where it is to be dropped"""

    def is_kept(self, family: Family) -> bool:
        if any(self.begins(family.written, prefix) for prefix in self.keep):
            return True
        return not self.keep and super().is_kept(family)


@fault("MX-062")
class IgnoresDrop(Hooked):
    """drops nothing where nothing is to be kept"""

    def is_kept(self, family: Family) -> bool:
        return not self.keep or super().is_kept(family)


@fault("MX-063")
class MetadataKeepTheirName(Hooked):
    """renames samples, and leaves HELP and TYPE as they are"""

    def metadata(self, kind: str, escaping: str, family: Family) -> list[str]:
        return [
            line.replace(f" {self.add}", " ", 1) if self.add else line
            for line in super().metadata(kind, escaping, family)
        ]


@fault("MX-063")
class NoPrefixInOpenMetrics(Hooked):
    """renames in the text format only"""

    def escaped(self, name: str, escaping: str) -> str:
        return name.removeprefix(self.add) if escaping or self.openmetrics else name

    openmetrics = False

    def body(self, kind: str, escaping: str, families: Sequence[Family]) -> bytes:
        self.openmetrics = kind == OPENMETRICS
        return super().body(kind, escaping, families)


@fault("MX-063")
class PrefixBehindTheNamespace(Hooked):
    """puts the prefix behind the first word of the name"""

    def name(self, name: str) -> str:
        first, line, rest = name.partition("_")
        return f"{first}_{self.add}{rest}" if self.add and line else super().name(name)


@fault("MX-064")
class TwoPrefixes(Hooked):
    """adds the prefix to what has it already"""

    def has_prefix(self, name: str) -> bool:
        return False


@fault("MX-064")
class StripsWhatLooksLikeIt(Hooked):
    """takes a name that begins with the prefix' letters for one that has it"""

    def has_prefix(self, name: str) -> bool:
        return name.startswith(self.add.rstrip("_:"))


@fault("MX-065")
class BothPrefixes(Hooked):
    """leaves the kept prefix behind the added one"""

    def bare(self, name: str) -> str:
        return name


@fault("MX-065")
class KeepsAfterRenaming(Hooked):
    """filters by the name that it has given itself"""

    def is_kept(self, family: Family) -> bool:
        return super().is_kept(Family(self.name(family.name), family.type, ""))


@fault("MX-065")
class OnlyTheFirstIsReplaced(Hooked):
    """replaces the first of several kept prefixes only"""

    def bare(self, name: str) -> str:
        return name.removeprefix(self.keep[0]) if self.keep else name


@fault("MX-066")
class RenamesEverywhere(Hooked):
    """replaces the prefix wherever it stands in a line"""

    def lines(self, kind: str, escaping: str, family: Family) -> list[str]:
        lines = super().lines(kind, escaping, family)
        if self.add and self.keep:
            return [line.replace(prefix, self.add) for line in lines for prefix in self.keep[:1]]
        return lines


@fault("MX-066")
class DropsByLine(Hooked):
    """drops every line that holds the prefix"""

    def lines(self, kind: str, escaping: str, family: Family) -> list[str]:
        lines = super().lines(kind, escaping, family)
        return [line for line in lines if not any(prefix in line for prefix in self.drop)]


@fault("MX-067")
class SharesConfiguration(Hooked):
    """keeps its prefixes in attributes of the class"""

    newest: ClassVar[Any] = None

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        super().__init__(config)
        type(self).newest = (self.keep, self.drop, self.add)

    def passed_on(self, families: Any) -> list[Family]:
        self.keep, self.drop, self.add = type(self).newest
        return super().passed_on(families)


@fault("MX-067")
class SharesSource(Hooked):
    """keeps the source in an attribute of the class"""

    newest: ClassVar[Any] = None

    def set_source(self, exposition: bytes) -> None:
        type(self).newest = self.read(exposition)

    def collect(self) -> list[Family]:
        self.source = type(self).newest
        return super().collect()


@fault("MX-067")
class KeepsOldFamilies(Hooked):
    """goes on exposing families that the source no longer has"""

    def set_source(self, exposition: bytes) -> None:
        families = self.read(exposition)
        names = {one.name for one in families}
        self.source = [*families, *(one for one in self.source or [] if one.name not in names)]


@fault("MX-068")
class DropsWhatIsEmpty(Hooked):
    """takes an empty label value for a series that is over"""

    def read(self, exposition: bytes) -> list[Family]:
        families = super().read(exposition)
        for family in families:
            family.samples = [one for one in family.samples if all(one.labels.values())]
        return [one for one in families if one.samples]


@fault("MX-068")
class TwoPrefixesAtMost(Hooked):
    """looks at two prefixes to drop at most"""

    def is_kept(self, family: Family) -> bool:
        dropped = any(self.begins(family.written, prefix) for prefix in self.drop[:2])
        return not dropped and (not self.keep or any(self.begins(family.written, prefix) for prefix in self.keep))


@fault("MX-069")
class ColonLostOnTheWay(Hooked):
    """writes _ for : in OpenMetrics, in what comes from a source"""

    def body(self, kind: str, escaping: str, families: Sequence[Family]) -> bytes:
        self.rewrites = kind == OPENMETRICS and self.source is not None and escaping != "allow-utf-8"
        return super().body(kind, escaping, families)

    rewrites = False

    def escaped(self, name: str, escaping: str) -> str:
        return name.replace(":", "_") if self.rewrites else name


@fault("MX-070")
class SplitsAtBlanks(Hooked):
    """splits lines at blanks and joins them with one"""

    def label_value(self, value: str) -> str:
        return re.sub(" +", " ", super().label_value(value))


@fault("MX-070")
class UnescapesTwice(Hooked):
    """unescapes what was unescaped already"""

    def label_value(self, value: str) -> str:
        return super().label_value(value.replace("\\n", "\n"))


@fault("MX-070")
class AsciiOnly(Hooked):
    """writes ? for what is not ASCII"""

    def label_value(self, value: str) -> str:
        return super().label_value(value.encode("ascii", "replace").decode())


@fault("MX-071")
class NameTwice(Hooked):
    """exposes two families under one name"""

    def check_clashes(self, families: Sequence[Family]) -> None:
        pass


@fault("MX-071")
class LastOneWins(Hooked):
    """lets the later of two families of one name win"""

    def passed_on(self, families: Any) -> list[Family]:
        return list({self.name(one.name): one for one in super().passed_on(list(families)[-1:])}.values())


@fault("MX-072")
class SkipsBadLines(Hooked):
    """passes on what it can read of a source"""

    def read(self, exposition: bytes) -> list[Family]:
        families = []
        for line in exposition.decode(errors="replace").splitlines(keepends=True):
            if line.startswith("#"):
                return super().read(exposition)
            try:
                families += super().read(line.encode())
            except ValueError:
                continue
            except Exception:  # noqa: BLE001, S112
                continue
        return families


@fault("MX-073")
class TakesAText(Hooked):
    """takes a text for a list of prefixes"""

    def check(self, config: Mapping[str, Any]) -> None:
        super().check(
            {name: [] if isinstance(value, str) and name != "add_prefix" else value for name, value in config.items()}
        )


@fault("MX-073")
class TakesUnknownSettings(Hooked):
    """ignores settings that it does not know"""

    def check(self, config: Mapping[str, Any]) -> None:
        super().check({name: value for name, value in config.items() if name.endswith(("prefixes", "add_prefix"))})


@fault("MX-073")
class TakesAnyPrefix(Hooked):
    """adds whatever it is told to"""

    def check(self, config: Mapping[str, Any]) -> None:
        super().check({name: value for name, value in config.items() if name != "add_prefix"})
        if not isinstance(config.get("add_prefix", ""), str):
            raise TypeError("a text is due")
