// What `pytest --contracts` starts: the publisher, called as the suite event-publisher calls it.

import { ClosedError, InvalidError, Publisher } from "./publisher.mjs";
import { Refusal, serve } from "./wire.mjs";

async function refusing(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InvalidError) throw new Refusal(error.message, "invalid");
    if (error instanceof ClosedError) throw new Refusal(error.message, "closed");
    throw error;
  }
}

class Adapter {
  #publisher;

  constructor(publisher) {
    this.#publisher = publisher;
  }

  endpoint() {
    return this.#publisher.endpoint;
  }

  replay_endpoint() {
    return this.#publisher.replayEndpoint;
  }

  publish({ batch }) {
    return refusing(() => this.#publisher.publish(batch));
  }

  flush() {
    return refusing(() => this.#publisher.flush());
  }

  stats() {
    return this.#publisher.stats();
  }

  close({ linger_ms: lingerMs = 1000 }) {
    this.#publisher.close(lingerMs);
  }
}

serve({ name: "node-publisher", version: "1.0", capabilities: ["replay"] }, async (args) => {
  return new Adapter(await refusing(() => Publisher.bind(args)));
});
