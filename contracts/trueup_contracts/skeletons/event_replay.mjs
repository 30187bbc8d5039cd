// What `pytest --contracts` starts: our client of replays, called as the suite `event-replay` calls it.

import { Refusal, serve } from "./wire.mjs";

class EventReplay {
  /** Every batch from start on, up to the end marker: [sequence, topic or null, payload]. */
  async replay({ endpoint, start, timeout_ms }) {
    // Where the end marker does not come in time: throw a Refusal with the code "incomplete", and what came as its data:
    // new Refusal("…", "incomplete", [[7, "kv", Buffer.from("…")]])
    throw new Error("ask for the batches from this number on");
  }

  close() {
    throw new Error("close the sockets");
  }
}

// What ours has besides; `trueup contracts list` explains each name.
const capabilities = [];

serve({ name: "our client of replays", version: "1.0", capabilities }, () => new EventReplay());
