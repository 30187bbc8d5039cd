"""Makes a Git repository of many Markdown files, with faults of which every one is known.

    python benchmarks/make_corpus.py FOLDER --files 1000 --seed 1 --broken 0.005

The same arguments make the same commit. What was made is printed as JSON: `planted` counts the findings that
`trueup links` must have, by rule; `--list FILE` names the path and the rule of each. `--broken` is the share of the
links in running text that are broken.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import posixpath
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import quote

FILES_A_FOLDER = 20
IMAGES = 16
SOURCE_LINES = 80
OWN_URL = "https://github.com/example/corpus"
NOUNS = (
    "router worker prefill decode cache block index scheduler planner gateway probe queue pool token metric trace "
    "autoscaler replica shard lease session tenant quota cluster node image volume secret operator webhook"
).split()
AREAS = "guides concepts design reference tutorials proposals operations releases api internals faq community".split()
# Markdown of a heading, and GitHub's slug of it.
HEADINGS = (
    ("{A} and {b}", "{a}-and-{b}"),
    ("{A} & {b}", "{a}--{b}"),
    ("What is the {a}?", "what-is-the-{a}"),
    ("The `--{a}-{b}` option", "the---{a}-{b}-option"),
    ("{A}: the {b}", "{a}-the-{b}"),
    ("**{A}** by {b}", "{a}-by-{b}"),
    ("Überblick: {a}", "überblick-{a}"),
    ("🚀 {A} {b}", "-{a}-{b}"),
    ("{A}_{b} (v1.2)", "{a}_{b}-v12"),
    ("{A} 安装", "{a}-安装"),
    ("[{A}](https://example.com/{a}) in a {b}", "{a}-in-a-{b}"),
    ("Overview", "overview"),
    ("Examples", "examples"),
    ("Limits", "limits"),
)
# What looks like a link and is none.
DECOYS = (
    "```sh\ncurl -O [here](no/such/file.md)   # ![x](gone.png)\n```\n",
    "````markdown\n```\n[text](missing.md#nowhere)\n```\n[full][undefined-label]\n````\n",
    "In full:\n\n    indented = items[0][1]  # [not](a-link.md)\n",
    "<!-- [an old link](removed.md), to be written again -->\n",
    "The field `[name](target.md)` takes items[0][1] and `` `[x][y]` ``, see [1].\n",
    "> [!NOTE]\n> Nothing here leads anywhere: \\[text](escaped.md).\n",
    "- [x] done\n- [ ] to do\n",
)
FAULTS = (
    "links/missing-file",
    "links/missing-fragment",
    "links/fragment-case",
    "links/case-mismatch",
    "links/through-symlinked-directory",
    "links/untracked-target",
    "links/outside-repository",
    "links/file-with-slash",
    "links/undefined-reference",
    "links/line-out-of-range",
    "links/own-repository-url",
    "links/empty-target",
    "links/malformed",
)
SYMLINKS = {
    "symlinks/broken": {"broken.md": "no/such/page.md"},
    "symlinks/loop": {"one.md": "other.md", "other.md": "one.md"},
    "symlinks/outside-repository": {"outside.md": "../../neighbour.md"},
    "symlinks/absolute": {"absolute.md": "/no/such/page.md"},
    "symlinks/untracked-target": {"untracked.txt": "../drafts/idea.txt"},
}


class Heading:
    """A heading of a document, with the slug it has there."""

    def __init__(self, level: int, text: str, slug: str) -> None:
        self.level, self.text, self.slug = level, text, slug


class Corpus:
    """Decides about every document by its number and the seed alone."""

    def __init__(self, files: int, seed: int, broken_share: float) -> None:
        self.files = files
        self.seed = seed
        self.broken_share = broken_share
        self.planted: list[tuple[str, str]] = []  # path and rule
        rng = random.Random(f"{seed}/sentences")
        self._sentences = [self._sentence(rng) for _ in range(2000)]
        self.outline = functools.lru_cache(maxsize=10_000)(self._outline)

    @staticmethod
    def _sentence(rng: random.Random) -> str:
        little = "a the of in to with for each every its when while until may must waits sends holds keeps".split()
        words = [rng.choice(NOUNS if number % 2 else little) for number in range(rng.randint(6, 24))]
        if rng.random() < 0.2:
            words[-1] = rng.choice(["`max_tokens`", "*slow*", "**now**", "naïve", "“ready”", "0.5 ms"])
        return " ".join(words).capitalize() + "."

    @staticmethod
    def folder(number: int) -> str:
        """The folder of a document: `""`, `concepts`, `guides/concepts`, …"""
        parts = []
        rest = number // FILES_A_FOLDER
        while rest:
            rest, digit = divmod(rest, len(AREAS))
            parts.append(AREAS[digit])
        return "/".join(parts)

    def path(self, number: int) -> str:
        """The path of a document; the first one of a folder is its README."""
        noun = NOUNS[(number * 7 + self.seed) % len(NOUNS)]
        name = f"{noun}-{number}.md" if number % FILES_A_FOLDER else "README.md"
        return posixpath.join(self.folder(number), name)

    def _outline(self, number: int) -> list[Heading]:
        rng = random.Random(f"{self.seed}/outline/{number}")
        a, b = rng.sample(NOUNS, 2)
        found = [Heading(1, f"{a.capitalize()} {b} {number}", f"{a}-{b}-{number}")]
        uses: Counter[str] = Counter()
        for _ in range(min(40, 3 + int(rng.expovariate(1 / 5)))):
            a, b = rng.sample(NOUNS, 2)
            text, slug = (form.format(A=a.capitalize(), a=a, b=b) for form in rng.choice(HEADINGS))
            uses[slug] += 1
            found.append(Heading(rng.choice((2, 2, 3)), text, slug if uses[slug] == 1 else f"{slug}-{uses[slug] - 1}"))
        return found

    def document(self, number: int) -> str:
        """The text of a document."""
        return _Writer(self, number).write()


class _Writer:
    """One document being written."""

    def __init__(self, corpus: Corpus, number: int) -> None:
        self.corpus = corpus
        self.number = number
        self.folder = corpus.folder(number)
        self.rng = random.Random(f"{corpus.seed}/text/{number}")
        self.definitions: list[str] = []
        self.faults = 0

    def write(self) -> str:
        rng = self.rng
        outline = self.corpus.outline(self.number)
        blocks = []
        if rng.random() < 0.1:
            blocks.append(f"---\ntitle: {outline[0].text}\nsee: '[a](b.md)'\n---\n")
        blocks.append(f"# {outline[0].text}\n")
        blocks.append("".join(f"{'  ' * (h.level - 2)}- [Part](#{self.encode(h.slug)})\n" for h in outline[1:]))
        for heading in outline[1:]:
            blocks.append(self.heading(heading))
            blocks.extend(self.paragraph() for _ in range(rng.randint(1, 3)))
            for make, share in ((self.listing, 0.3), (self.table, 0.15), (self.image, 0.1), (self.quote, 0.1)):
                if rng.random() < share:
                    blocks.append(make())
            if rng.random() < 0.4:
                blocks.append(rng.choice(DECOYS))
        blocks.append("".join(self.definitions))
        return "\n".join(block for block in blocks if block)

    def heading(self, heading: Heading) -> str:
        form = self.rng.random()
        if form < 0.05 and heading.level == 2:
            return f"{heading.text}\n{'-' * 20}\n"
        return f"{'#' * heading.level} {heading.text}{' ##' if form > 0.97 else ''}\n"

    def paragraph(self) -> str:
        sentences = self.rng.choices(self.corpus._sentences, k=self.rng.randint(2, 5))
        return "\n".join(f"{text} See {self.link()}." if self.rng.random() < 0.3 else text for text in sentences) + "\n"

    def listing(self) -> str:
        return "".join(f"- {self.rng.choice(NOUNS)}: {self.link()}\n" for _ in range(self.rng.randint(2, 6)))

    def table(self) -> str:
        rows = (f"| `{self.rng.choice(NOUNS)}` | {self.link()} |\n" for _ in range(self.rng.randint(2, 8)))
        return "| Name | Page |\n| --- | --- |\n" + "".join(rows)

    def image(self) -> str:
        target = self.relative(f"images/figure-{self.rng.randrange(IMAGES)}.svg")
        return self.rng.choice((f"![A figure]({target})\n", f'<img src="{target}" width="400" alt="A figure">\n'))

    def quote(self) -> str:
        return f"> {self.rng.choice(self.corpus._sentences)}\n> {self.link()}\n"

    def relative(self, path: str) -> str:
        return posixpath.relpath(path, self.folder or ".")

    def encode(self, slug: str) -> str:
        return quote(slug) if self.rng.random() < 0.5 else slug

    def other(self) -> int:
        """Another document: mostly one near by."""
        if self.rng.random() < 0.7:
            return max(0, min(self.corpus.files - 1, self.number + self.rng.randint(-30, 30)))
        return self.rng.randrange(self.corpus.files)

    def link(self) -> str:
        """Markdown of a link, good or broken."""
        text = self.rng.choice(NOUNS)
        if self.rng.random() < self.corpus.broken_share:
            return self.broken(text)
        other = self.other()
        path = self.corpus.path(other)
        kind = self.rng.random()
        if kind < 0.35:
            return self.written(text, self.relative(path))
        if kind < 0.55:
            return self.written(
                text, f"{self.relative(path)}#{self.encode(self.rng.choice(self.corpus.outline(other)).slug)}"
            )
        if kind < 0.65:
            return self.written(text, f"#{self.encode(self.rng.choice(self.corpus.outline(self.number)).slug)}")
        if kind < 0.7:
            return self.written(text, f"/{path}")
        if kind < 0.75:
            return self.written(text, f"{self.relative(self.corpus.folder(other) or '.')}/")
        if kind < 0.8:
            line = self.rng.randint(1, SOURCE_LINES)
            return self.written(text, f"{self.relative(f'src/{self.rng.choice(AREAS)}.py')}#L{line}")
        if kind < 0.83:
            return self.written(text, f"{OWN_URL}/blob/main/{path}")
        url = f"https://example.com/{text}/{self.rng.randrange(1000)}"
        return self.rng.choice((f"<{url}>", url, f"[{text}]({url})", f"[{text}]({url})"))

    def written(self, text: str, target: str) -> str:
        form = self.rng.random()
        if form < 0.75:
            return f"[{text}]({target})"
        if form < 0.85:
            return f'[{text}]({target} "A title")'
        if form < 0.95:
            label = f"ref-{len(self.definitions)}"
            self.definitions.append(f"[{label}]: {target}\n")
            return f"[{text}][{label}]"
        return f'<a href="{target}">{text}</a>'

    def broken(self, text: str) -> str:
        rule = self.rng.choice(FAULTS)
        self.corpus.planted.append((self.corpus.path(self.number), rule))
        self.faults += 1
        name = f"{self.number}-{self.faults}"
        other = self.other()
        other -= other % FILES_A_FOLDER == 0 and other != 0  # not a README
        path = self.corpus.path(other or 1)
        page = self.relative(path)
        if rule == "links/empty-target":
            return f"[{text}]()"
        if rule == "links/undefined-reference":
            return f"[{text}][gone {name}]"
        targets = {
            "links/missing-file": f"{posixpath.dirname(page) or '.'}/gone-{name}.md",
            "links/missing-fragment": f"{page}#gone-{name}",
            "links/fragment-case": f"#{self.corpus.outline(self.number)[0].slug.upper()}",
            "links/case-mismatch": posixpath.join(posixpath.dirname(page), posixpath.basename(page).capitalize()),
            "links/through-symlinked-directory": "/current/README.md",
            "links/untracked-target": "/drafts/idea.txt",
            "links/outside-repository": self.relative(f"../neighbour/page-{name}.md"),
            "links/file-with-slash": f"{page}/",
            "links/line-out-of-range": f"{self.relative(f'src/{AREAS[0]}.py')}#L{SOURCE_LINES + 1 + self.faults}",
            "links/own-repository-url": f"{OWN_URL}/blob/main/gone/{name}.md",
            "links/malformed": f"guides\\page-{name}.md",
        }
        return self.written(text, targets[rule])


def make(folder: Path, corpus: Corpus) -> dict[str, object]:
    """Writes everything and commits it; what was made."""
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "remote", "add", "origin", f"{OWN_URL}.git")
    size = 0
    made: set[str] = set()
    for number in range(corpus.files):
        place = corpus.folder(number)
        if place not in made:
            (folder / place).mkdir(parents=True, exist_ok=True)
            made.add(place)
        data = corpus.document(number).encode()
        size += len(data)
        (folder / corpus.path(number)).write_bytes(data)
    for name in ("src", "images", "drafts", "symlinks"):
        (folder / name).mkdir()
    for area in AREAS:
        (folder / "src" / f"{area}.py").write_text(f"# {area}\n" * SOURCE_LINES, encoding="utf-8")
    for number in range(IMAGES):
        svg = '<svg xmlns="http://www.w3.org/2000/svg"><circle r="9"/></svg>\n'
        (folder / "images" / f"figure-{number}.svg").write_text(svg, encoding="utf-8")
    if corpus.broken_share:
        (folder / "current").symlink_to(corpus.folder(FILES_A_FOLDER))
        for rule, links in SYMLINKS.items():
            for name, target in links.items():
                (folder / "symlinks" / name).symlink_to(target)
                corpus.planted.append((f"symlinks/{name}", rule))
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "A corpus")
    # After the commit: this one must not be tracked.
    (folder / "drafts" / "idea.txt").write_text("An idea.\n", encoding="utf-8")
    return {
        "files": corpus.files,
        "seed": corpus.seed,
        "broken": corpus.broken_share,
        "markdown_bytes": size,
        "commit": _git(folder, "rev-parse", "HEAD").strip(),
        "planted": dict(sorted(Counter(rule for _, rule in corpus.planted).items())),
    }


def _git(folder: Path, *args: str) -> str:
    """Git without the user's settings, at a fixed time: the commit depends on the contents alone."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    when = "2026-01-01T00:00:00Z"
    for name in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{name}_NAME": "Corpus", f"GIT_{name}_EMAIL": "corpus@example.com", f"GIT_{name}_DATE": when}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "core.looseCompression=0", "-c", "gc.auto=0", "-c", "maintenance.auto=false", *args]
    return subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], allow_abbrev=False)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that does not exist yet, or is empty")
    parser.add_argument("--files", type=int, default=1000, metavar="N", help="Markdown files (default 1000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--broken", type=float, default=0.005, metavar="SHARE", help="from 0 to 1 (default 0.005)")
    parser.add_argument("--list", type=Path, metavar="FILE", help="write the faults there, as JSON")
    args = parser.parse_args(argv)
    least = FILES_A_FOLDER + 1
    if args.files < least:
        parser.error(f"--files {args.files}: at least {least}")
    if not 0 <= args.broken <= 1:
        parser.error(f"--broken {args.broken}: a share is from 0 to 1")
    if args.folder.exists() and (not args.folder.is_dir() or any(args.folder.iterdir())):
        parser.error(f"{args.folder} is not an empty folder")
    args.folder.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(args.files, args.seed, args.broken)
    print(json.dumps(make(args.folder, corpus)))
    if args.list is not None:
        args.list.write_text(json.dumps(sorted(corpus.planted)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
