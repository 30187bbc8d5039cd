// What `pytest --contracts` starts: our publisher, called as the suite `event-publisher` calls it.

import { serve } from "./wire.mjs";

class EventPublisher {
  constructor({ endpoint, topic, format }) {
    // Format A: topic, number (8 bytes, big-endian), payload. Port 0 takes a free one: endpoint() names it.
    throw new Error("bind to this endpoint");
  }

  endpoint() {
    throw new Error("answer where it is bound");
  }

  /** The number of the batch, or null where it is refused. Throw a Refusal for what cannot be encoded. */
  async publish({ batch }) {
    // {ts, events: [{type: "BlockStored", block_hashes: [{i64: "7"}], …}], data_parallel_rank: null, …}
    throw new Error("publish the batch");
  }

  async flush({ timeout_ms }) {
    throw new Error("answer whether all has been sent");
  }

  stats() {
    // {accepted, refused, dropped, queued, sent}: accepted = sent + queued + dropped
    throw new Error("count what is published");
  }

  async close({ linger_ms }) {
    throw new Error("send what waits, and close the sockets");
  }
}

// What ours has besides; `trueup contracts list` explains each name.
const capabilities = [];

serve({ name: "our publisher", version: "1.0", capabilities }, (args) => new EventPublisher(args));
