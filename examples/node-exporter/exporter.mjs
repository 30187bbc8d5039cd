// An engine with metrics, and what a scraper gets of them.

import { Counter, Gauge, Histogram } from "./metrics.mjs";

const TEXT = "text/plain";
const OPENMETRICS = "application/openmetrics-text";
const ESCAPINGS = ["allow-utf-8", "underscores", "dots", "values"];
const FORMATS = { [OPENMETRICS]: "1.0.0", [TEXT]: "0.0.4", "*/*": "0.0.4", "text/*": "0.0.4" };

/** What an Accept header asks for: the offer of the highest weight that is known, or the oldest text format. */
export function negotiated(accept) {
  let best = { type: TEXT, version: "0.0.4", weight: 0, escaping: "" };
  for (const offer of (accept ?? "").split(",")) {
    const [type, ...parameters] = offer.split(";").map((part) => part.trim());
    const found = Object.fromEntries(parameters.map((part) => part.split("=", 2)));
    const weight = found.q === undefined ? 1 : Number(found.q);
    const version = Object.hasOwn(FORMATS, type) ? FORMATS[type] : undefined;
    if (version === undefined || (found.version ?? version) !== version || !(weight > best.weight)) continue;
    const isOpenMetrics = type === OPENMETRICS;
    const escaping = isOpenMetrics && ESCAPINGS.includes(found.escaping) ? found.escaping : "";
    best = { type: isOpenMetrics ? OPENMETRICS : TEXT, version, weight, escaping };
  }
  return best;
}

export class Exporter {
  #fails = false;
  #requests = new Counter("node_engine:requests", "Requests handled.", { model_name: "mock" });
  #running = new Gauge("node_engine:num_running_reqs", "Requests that run now.", { model_name: "mock" });
  #ttft = new Histogram("node_engine:ttft_seconds", "Time to the first token.", { model_name: "mock" }, [0.1, 0.5, 1]);

  /** Every name was always legal, so no escaping touches it: the colon is the same for every scraper. */
  scrape({ accept }) {
    const { type, version, escaping } = negotiated(accept);
    if (this.#fails) {
      this.#fails = false;
      return { status: 500, content_type: `${TEXT}; charset=utf-8`, body: Buffer.from("the engine cannot be asked\n") };
    }
    const isOpenMetrics = type === OPENMETRICS;
    const lines = [this.#requests, this.#running, this.#ttft].flatMap((family) => family.lines(isOpenMetrics));
    if (isOpenMetrics) lines.push("# EOF");
    return {
      status: 200,
      content_type: `${type}; version=${version}; charset=utf-8${escaping && `; escaping=${escaping}`}`,
      body: Buffer.from(lines.map((line) => `${line}\n`).join("")),
    };
  }

  /** Ids are no labels: each would be a series that stays for ever. */
  drive({ requests }) {
    for (let number = 0; number < requests; number++) {
      this.#requests.add();
      this.#ttft.observe((number % 6) * 0.25);
    }
    return null;
  }

  fail_next() {
    this.#fails = true;
    return null;
  }

  /** Nothing is taken away before the process ends. */
  begin_shutdown() {
    this.#running.value = 0;
    return null;
  }
}
