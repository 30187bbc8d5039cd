"""The router as it is deployed: workers that registered in etcd, some over ZMQ, one of them killed."""

from __future__ import annotations

import asyncio
import signal
from contextlib import ExitStack

from fix_etcd import EtcdServer
from reference_impl.mock_worker.test_registered_process import Workers
from reference_impl.router.core.rig import disagg, plan, request
from reference_impl.router.discovery.watching import until
from trueup_reference.router.discovery import open_discovery
from trueup_reference.router.forwarding import GlobalRouter
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.service import read as read_service
from trueup_reference.router.workers import Transport
from trueup_reference.router.workers.http import HttpTransport
from trueup_reference.router.workers.zmq import ZmqTransport

REQUESTS = 40


def test_nothing_is_lost_when_a_prefill_worker_is_killed(etcd: EtcdServer) -> None:
    async def main() -> None:
        where, environment = f"etcd://{etcd.address}/test", {"TRUEUP_ETCD_TTL_S": "3"}
        http, over_zmq = HttpTransport(), ZmqTransport()

        async def probe(url: str) -> bool:
            return await (over_zmq if url.startswith("zmq") else http).health(url, timeout_s=2)

        with ExitStack() as stack:
            workers = Workers(stack, "--register", where, environment=environment)
            prefill = ["--namespace", "p0", "--phase", "prefill", "--zmq-port", "0", "--ttft-ms", "300"]
            killed, _ = await workers.start("killed", *prefill)
            await workers.start("lives", *prefill)
            await workers.start("decodes", "--namespace", "d0", "--phase", "decode", "--itl-ms", "2")
            discovery = open_discovery(where, probe, environment)
            transports: dict[str, Transport] = {"http": http, "zmq+tcp": over_zmq}
            service = read_service(b'{"version": 1, "retry": {"same_pool_attempts": 3}}')
            router = GlobalRouter(plan(disagg()), service, discovery, transports, RouterMetrics(), router_id="test")
            try:
                await router.start()
                await until(discovery, lambda: [len(each) for each in discovery.workers.values()] == [1, 2])
                begun = asyncio.Semaphore(0)

                async def ask() -> tuple[str, ...]:
                    async with await router.accept(request(max_tokens=5)) as answer:
                        begun.release()
                        return tuple([event.name async for event in answer])

                tasks = [asyncio.create_task(ask()) for _ in range(REQUESTS)]
                for _ in range(REQUESTS // 2):
                    await begun.acquire()
                killed.send_signal(signal.SIGKILL)
                answers = await asyncio.gather(*tasks)
                assert {answer[-1] for answer in answers} == {"finish"}
                assert {answer.count("item") for answer in answers} == {5}
                assert any(answer.count("routed") > 2 for answer in answers), "nobody was on the one that was killed"
                await until(discovery, lambda: [one.id for one in discovery.workers["p0"]] == ["lives"])
            finally:
                await router.close()
                await discovery.close()
                await http.close()
                await over_zmq.close()

    asyncio.run(main())
