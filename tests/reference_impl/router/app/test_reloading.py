"""A new grid while the router runs: taken as a whole, or refused and the old one kept; and said either way."""

from __future__ import annotations

import asyncio
import copy
import json
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import aiohttp

from reference_impl.router.app.processes import BODY, GRID, Router, events, running, written

TOKENS = ("0123456789abcdef", "fedcba9876543210")


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))


def changed(**strategy: Any) -> dict[str, Any]:
    """The grid, with these fields of its prefill strategy."""
    grid = copy.deepcopy(GRID)
    grid["prefill_pool_selection_strategy"].update(strategy)
    return grid


SWAPPED = changed(prefill_pool_mapping=[[1, 0]])
WRONG = changed(prefill_pool_mapping=[[2, 0]])


async def pool_of(router: Router) -> str:
    """Of a request with a tight target."""
    return next(str(one["pool"]) for name, one in await router.generate(router={"ttft_target": 1}) if name == "routed")


async def reloads(router: Router, outcome: str) -> float:
    return await router.metric(f'trueup_router_grid_reloads_total{{outcome="{outcome}"}}')


def test_a_changed_file_is_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as router:
            assert await pool_of(router) == "prefill0"
            written(tmp_path / "grid.json", SWAPPED)
            record = await router.until_logged("a new grid is in force")
            assert await pool_of(router) == "prefill1"
            assert record["extra"]["path"] == str(tmp_path / "grid.json")
            (tmp_path / "grid.json").write_text(json.dumps(GRID))  # in place
            again = await router.until_logged("a new grid is in force")
            assert again["extra"]["in_force_sha256"] != record["extra"]["in_force_sha256"]
            assert await pool_of(router) == "prefill0"
            assert (await reloads(router, "taken"), await reloads(router, "refused")) == (2, 0)

    run(main())


def test_a_wrong_file_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as router:
            written(tmp_path / "grid.json", WRONG)
            record = await router.until_logged("the new grid is refused, the one before stays in force")
            assert record["level"] == "ERROR"
            assert "prefill_pool_mapping/0/0: " in record["message"]
            assert await pool_of(router) == "prefill0"
            (tmp_path / "grid.json").unlink()
            record = await router.until_logged("the new grid is refused")
            assert "No such file or directory" in record["message"]
            written(tmp_path / "grid.json", GRID)
            await router.until_logged("the grid is the one in force")
            written(tmp_path / "grid.json", SWAPPED)
            await router.until_logged("a new grid is in force")
            assert await pool_of(router) == "prefill1"
            assert (await reloads(router, "taken"), await reloads(router, "refused")) == (1, 2)

    run(main())


def test_sighup_reads_it_again_and_ends_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as router:
            router.process.send_signal(signal.SIGHUP)
            await router.until_logged("the grid is the one in force")
            written(tmp_path / "grid.json", SWAPPED)
            router.process.send_signal(signal.SIGHUP)
            await router.until_logged("a new grid is in force")
            assert await pool_of(router) == "prefill1"

    run(main())


def test_pools_come_and_go_and_streams_go_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, itl_ms=100) as router, aiohttp.ClientSession() as session:
            body = {**BODY, "max_tokens": 15}
            async with session.post(f"{router.url}/v1/generate", json=body) as response:
                begun = await response.content.readuntil(b"event: item")
                fewer = changed(prefill_pool_mapping=[[0, 0]], ttft_resolution=2)
                fewer.update(num_prefill_pools=1, prefill_pool_dynamo_namespaces=["prefill1"])
                fewer.update(decode_pool_dynamo_namespaces=["decode1"])
                written(tmp_path / "grid.json", fewer)
                await router.until_logged("a new grid is in force")
                status, text = await router.get("/readyz")
                pools = json.loads(text)["pools"]
                assert (status, {name: pool["ready"] for name, pool in pools.items()}) == (
                    503,
                    {"prefill1": True, "decode1": False},
                )
                # Its pools are gone from the grid, and it ends as it would have.
                told = events((begun + await response.content.read()).decode())
                assert [name for name, _ in told] == ["accepted", "routed", "routed", *["item"] * 15, "finish"]

    run(main())


def test_each_request_goes_by_one_grid(tmp_path: Path) -> None:
    """The grids differ in the pools of both phases: a request by parts of both would be seen."""

    async def main() -> None:
        other = changed()
        other.update(num_prefill_pools=1, prefill_pool_dynamo_namespaces=["prefill1"])
        other["prefill_pool_selection_strategy"].update(prefill_pool_mapping=[[0, 0]])
        one = changed(prefill_pool_mapping=[[0, 0]])
        other.update(decode_pool_dynamo_namespaces=["decode1"])
        async with running(tmp_path, grid=one) as router:
            entries = json.loads((tmp_path / "workers.json").read_text())
            worker = next(entry for entry in entries["workers"] if entry["namespace"] == "decode0")
            entries["workers"].append({**worker, "namespace": "decode1"})
            written(tmp_path / "workers.json", entries)
            await router.until_logged("discovery_read")
            seen = set()
            for number in range(6):
                written(tmp_path / "grid.json", one if number % 2 else other)
                asking = [asyncio.create_task(router.generate(request_id=f"{number}-{each}")) for each in range(8)]
                await router.until_logged("a new grid is in force")
                asking += [asyncio.create_task(router.generate(request_id=f"{number}+{each}")) for each in range(8)]
                for told in await asyncio.gather(*asking):
                    assert told[-1][0] == "finish"
                    seen.add(tuple(data["pool"] for name, data in told if name == "routed"))
            assert seen == {("prefill0", "decode0"), ("prefill1", "decode1")}

    run(main())


def test_tokens_are_read_again(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "tokens"
        written(path, TOKENS[0])
        async with running(tmp_path, "--token-file", str(path)) as router:

            async def statuses() -> list[int]:
                found = []
                async with aiohttp.ClientSession() as session:
                    for number, token in enumerate(TOKENS):
                        headers = {"Authorization": f"Bearer {token}"}
                        body = {**BODY, "request_id": f"{number}"}
                        async with session.post(f"{router.url}/v1/generate", json=body, headers=headers) as response:
                            found.append(response.status)
                return found

            assert await statuses() == [200, 401]
            assert (await router.get("/readyz"))[0] == 200  # probes bear no token
            for text, due in (("\n".join(TOKENS), [200, 200]), ("short", [200, 200]), (TOKENS[1], [401, 200])):
                written(path, text)
                router.process.send_signal(signal.SIGHUP)
                record = await router.until_logged("in force")
                while "token" not in record["message"]:
                    record = await router.until_logged("in force")
                assert await statuses() == due
                assert TOKENS[0] not in json.dumps(record)

    run(main())
