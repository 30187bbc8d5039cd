"""How tensors are kept and keys are treated: EC-030 to EC-041."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trueup_contracts import requirement
from trueup_contracts.embedding_cache.calls import Cache
from trueup_contracts.embedding_cache.fill import Fill, tensor_bytes
from trueup_contracts.embedding_cache.model import Model, agrees
from trueup_contracts.errors import Refusal
from trueup_contracts.subject import Subject

if TYPE_CHECKING:
    import torch


def _tensor(size: int = 24) -> torch.Tensor:
    return Fill(size, "uint8", (size,)).tensor()


def _same(found: Any, tensor: torch.Tensor, what: str) -> None:
    assert found is not None, f"{what} is not there"
    assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape), (
        f"{what} came back as {found.dtype} {found.shape}"
    )
    assert tensor_bytes(found) == tensor_bytes(tensor), f"{what} came back with other bytes"


@requirement("EC-030")
def test_a_capacity_that_is_none_is_refused(trueup_subject: Subject) -> None:
    values: tuple[Any, ...] = (-1, -(1 << 40), True, False, 1.5, 100.0, "100", None)
    for value in values:
        try:
            trueup_subject.open(capacity_bytes=value, device="cpu")
        except Refusal as refusal:
            assert refusal.code == "invalid", f"capacity_bytes={value!r} was refused as {refusal.code!r}"
        else:
            raise AssertionError(f"capacity_bytes={value!r} was accepted")


@requirement("EC-031")
def test_any_layout_comes_back_equal(trueup_subject: Subject) -> None:
    import torch

    base = torch.arange(240, dtype=torch.int32).reshape(4, 5, 12)
    layouts = {
        "a transposed tensor": base.transpose(0, 2),
        "every third element": base[:, :, ::3],
        "a column": base[:, 2, :],
        "an expanded tensor": base[:1].expand(3, 5, 12),
        "channels last": base.reshape(1, 4, 5, 12).contiguous(memory_format=torch.channels_last),
    }
    cache = Cache(trueup_subject, 1 << 20)
    for name, tensor in layouts.items():
        assert cache.set(name, tensor), f"{name} was refused"
        _same(cache.call("get", key=name), tensor, name)


@requirement("EC-032")
def test_a_view_costs_what_it_holds(trueup_subject: Subject) -> None:
    import torch

    base = torch.arange(10_000, dtype=torch.uint8)
    cache = Cache(trueup_subject, 20_000)
    assert cache.set("view", base[5_000:5_100])
    found = cache.current_bytes
    if "copies_on_set" in trueup_subject.capabilities:
        assert found == 100, f"a copy of 100 bytes was kept, and current_bytes is {found}"
        kept = cache.call("get", key="view").untyped_storage().nbytes()
        assert kept == 100, f"a copy of 100 bytes was promised, and the storage handed out has {kept}"
    else:
        assert found == 10_000, f"a view of 100 bytes keeps 10,000 alive, and current_bytes is {found}"
        narrow = Cache(trueup_subject, 5_000)
        assert not narrow.set("view", base[:100]), "10,000 bytes are kept alive by a cache of 5,000"


@requirement("EC-033")
def test_an_expanded_tensor_costs_its_elements(trueup_subject: Subject) -> None:
    import torch

    wide = torch.ones(1, dtype=torch.float32).expand(50)
    cache = Cache(trueup_subject, 300)
    assert cache.set("wide", wide)
    assert cache.current_bytes == 200, f"50 elements of 4 bytes: current_bytes is {cache.current_bytes}"
    narrow = Cache(trueup_subject, 199)
    assert not narrow.set("wide", wide), "200 bytes were stored in a cache of 199"


@requirement("EC-034")
def test_no_gradient_history_is_kept(trueup_subject: Subject) -> None:
    import torch

    weight = torch.ones(8, requires_grad=True)
    cache = Cache(trueup_subject, 1 << 10)
    for key, tensor in (("leaf", weight), ("result", weight * 2)):
        assert cache.set(key, tensor)
        found = cache.call("get", key=key)
        assert not found.requires_grad, f"{key}: what was handed out requires a gradient"
        assert found.grad_fn is None, f"{key}: what was handed out has the history {found.grad_fn}"


@requirement("EC-035")
def test_writing_into_what_was_stored_changes_nothing(trueup_subject: Subject) -> None:
    cache, tensor = Cache(trueup_subject, 1 << 10), _tensor()
    cache.set("a", tensor)
    tensor.fill_(7)
    _same(cache.call("get", key="a"), _tensor(), "the tensor that its owner wrote into afterwards")


@requirement("EC-036")
def test_writing_into_what_was_handed_out_changes_nothing(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 1 << 10)
    cache.set("a", _tensor())
    cache.call("get", key="a").fill_(7)
    _same(cache.call("get", key="a"), _tensor(), "the tensor that a reader wrote into")


@requirement("EC-037")
def test_keys_that_differ_anywhere_are_different(trueup_subject: Subject) -> None:
    long = "sha256:" + "0123456789abcdef" * 64
    keys = ["", " ", "a", "A", "ä", "a\u0308", "a\n", "1", "None", long + "x", long + "y", "x" + long, "\U0001f600"]
    cache = Cache(trueup_subject, 1 << 12)
    for number, key in enumerate(keys):
        assert cache.set(key, cache.fill(number, 16))
    for number, key in enumerate(keys):
        found = cache.get(key)
        assert found == cache.fill(number, 16).told(), f"the key {key[:20]!r}… has another key's tensor"
    assert len(cache) == len(keys)


@requirement("EC-042")
def test_a_tensor_that_is_resized_moves_no_ledger(trueup_subject: Subject) -> None:
    for size in (5, 0, 90):
        cache = Cache(trueup_subject, 100)
        tensor = _tensor(40)
        assert cache.set("a", tensor)
        if "copies_on_set" not in trueup_subject.capabilities and size > 40:
            continue  # its owner may not make what is kept larger than what was counted
        tensor.resize_(size)
        cache.set("b", cache.fill(1, 10))
        assert cache.current_bytes == 50, f"40 and 10 bytes, the first resized to {size}: {cache.current_bytes}"
        cache.set("a", cache.fill(2, 30))
        assert cache.current_bytes == 40, f"40 bytes, resized to {size} and overwritten by 30: {cache.current_bytes}"
        cache.set("c", cache.fill(3, 100))
        assert cache.current_bytes == 100, f"everything was evicted for 100 bytes: {cache.current_bytes}"


@requirement("EC-044")
def test_keys_of_other_types(trueup_subject: Subject) -> None:
    keys: list[Any] = [1, "1", b"1", ("1",), 10**30, None, [1], {"a": 1}]
    cache, stored = Cache(trueup_subject, 1 << 10), list[tuple[int, Any]]()
    for number, key in enumerate(keys):
        try:
            answer = cache.call("set", key=key, tensor=cache.fill(number, 16))
        except Refusal as refusal:
            assert refusal.code in ("invalid", "unsupported"), f"the key {key!r} was refused as {refusal.code!r}"
        else:
            assert answer is True, f"the key {key!r} was neither stored nor refused by an error"
            stored.append((number, key))
    for number, key in stored:
        found = cache.get(key)
        assert found == cache.fill(number, 16).told(), f"the key {key!r} has the tensor of another one"
    found_now = (len(cache), cache.current_bytes)
    due = (len(stored), 16 * len(stored))
    assert found_now == due, f"stored were {[key for _, key in stored]}; len and bytes are {found_now}, expected {due}"


class _Records(logging.Handler):
    """Every record of every logger, as text."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.texts: list[tuple[str, str]] = []  # for people, and in full

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append((f"{record.name}: {record.getMessage()}", str(record.__dict__)))


@requirement("EC-038")
def test_no_key_is_logged(trueup_subject: Subject) -> None:
    records, root = _Records(), logging.getLogger()
    loggers = [root, *(one for one in logging.Logger.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    before = [(one, one.level) for one in loggers]
    root.addHandler(records)
    try:
        for one in loggers:
            one.setLevel(1)
        cache = Cache(trueup_subject, 100)
        for number in range(5):
            cache.set(f"private-key-{number}", cache.fill(number, 40))
            cache.get(f"private-key-{number - 1}")
        cache.set("private-key-large", cache.fill(9, 101))
        for operation in ("remove", "pin"):
            if operation in trueup_subject.capabilities or (
                operation == "pin" and "pinning" in trueup_subject.capabilities
            ):
                cache.call(operation, key="private-key-4")
    finally:
        root.removeHandler(records)
        for one, level in before:
            one.setLevel(level)
    told = [text for text, in_full in records.texts if "private-key" in text + in_full]
    assert not told, f"a key was logged by {told[0][:200]}"


@requirement("EC-039")
def test_what_cannot_be_counted_is_refused(trueup_subject: Subject) -> None:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of nested and quantised tensors as such
        nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
        quantised = torch._empty_affine_quantized([5], scale=0.1, zero_point=0, dtype=torch.qint8)
    strange: dict[str, tuple[Any, tuple[str, ...]]] = {
        "a sparse tensor": (torch.eye(3).to_sparse(), ("unsupported",)),
        "a meta tensor": (torch.empty(5, device="meta"), ("unsupported",)),
        "a nested tensor": (nested, ("unsupported",)),
        "a quantised tensor": (quantised, ("unsupported",)),
        "a list": ([1, 2, 3], ("unsupported", "invalid")),
        "bytes": (b"abc", ("unsupported", "invalid")),
        "nothing": (None, ("unsupported", "invalid")),
    }
    cache, model = Cache(trueup_subject, 100), Model(100)
    for key, size in (("a", 40), ("b", 40)):
        cache.set(key, cache.fill(size, size))
        model.set(key, cache.fill(size, size))
    for what, (value, codes) in strange.items():
        for key in ("a", "new"):
            _refused_as(lambda key=key, value=value: cache.call("set", key=key, tensor=value), what, codes)  # type: ignore[misc]
            agrees(cache, model, ["a", "b", "new"])


def _refused_as(work: Callable[[], Any], what: str, codes: tuple[str, ...]) -> None:
    try:
        found = work()
    except Refusal as refusal:
        assert refusal.code in codes, f"{what} was refused as {refusal.code!r}, not as {' or '.join(codes)}"
    else:
        raise AssertionError(f"storing {what} answered {found!r}; it must be refused as {' or '.join(codes)}")


@requirement("EC-041")
def test_a_tensor_of_another_device_is_refused(trueup_subject: Subject) -> None:
    for device, other in (("cuda", "cpu"), ("cpu", "cuda")):
        cache, model = Cache(trueup_subject, 100, device), Model(100)
        assert cache.set("a", cache.fill(1, 40))
        model.set("a", cache.fill(1, 40))
        foreign = Fill(2, "uint8", (10,), other).tensor()
        _refused_as(
            lambda cache=cache, foreign=foreign: cache.call("set", key="a", tensor=foreign),  # type: ignore[misc]
            f"a tensor of {other} in a cache of {device}",
            ("unsupported",),
        )
        agrees(cache, model, "a")
