// What `pytest --contracts` starts: our subscriber, called as the suite `event-subscriber` calls it.

import { serve } from "./wire.mjs";

class EventSubscriber {
  constructor({ endpoints, topic, recv_timeout_ms, format }) {
    // Format A: topic, sequence (8 bytes, big-endian), payload. Throw a Refusal for a timeout that is none.
    throw new Error("connect to these endpoints");
  }

  /** The next message, or null when none came within recv_timeout_ms. */
  async recv() {
    // {endpoint, topic: "kv", sequence: 7n, publisher_id: null, payload: Buffer.from("…")}
    throw new Error("answer the next message");
  }

  stats() {
    // {received, malformed, gaps, restarts, duplicates, uncertain}
    throw new Error("count what is received");
  }

  close() {
    throw new Error("close the sockets");
  }
}

// What ours has besides; `trueup contracts list` explains each name. concurrent_calls: close may come while recv waits.
const capabilities = [];

serve({ name: "our subscriber", version: "1.0", capabilities }, (args) => new EventSubscriber(args));
