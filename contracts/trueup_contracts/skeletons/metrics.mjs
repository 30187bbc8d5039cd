// What `pytest --contracts` starts: our exporter, called as the suite `metrics` calls it.
// An endpoint that runs needs none of this: contracts = ["metrics = http://127.0.0.1:8000/metrics"].

import { serve } from "./wire.mjs";

class Exporter {
  /** `accept` is a scraper's Accept header, or null. */
  scrape({ accept }) {
    // {status: 200, content_type: "text/plain; version=0.0.4", body: Buffer.from("…")}
    throw new Error("answer a scrape");
  }
}

// What ours has besides; `trueup contracts list` explains each name.
const capabilities = [];

serve({ name: "our exporter", version: "1.0", capabilities }, () => new Exporter());
