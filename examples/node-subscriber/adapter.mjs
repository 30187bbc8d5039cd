// What `pytest --contracts` starts: the subscriber, called as the suite event-subscriber calls it.

import { ClosedError, InvalidError, Subscriber } from "./subscriber.mjs";
import { Refusal, serve } from "./wire.mjs";

function refusing(error) {
  if (error instanceof InvalidError) return new Refusal(error.message, "invalid");
  if (error instanceof ClosedError) return new Refusal(error.message, "closed");
  return error;
}

class Adapter {
  #subscriber;

  constructor(args) {
    try {
      this.#subscriber = new Subscriber(args);
    } catch (error) {
      throw refusing(error);
    }
  }

  async recv() {
    try {
      return await this.#subscriber.recv();
    } catch (error) {
      throw refusing(error);
    }
  }

  stats() {
    return this.#subscriber.stats();
  }

  close() {
    this.#subscriber.close();
  }
}

serve({ name: "node-subscriber", version: "1.0", capabilities: ["concurrent_calls"] }, (args) => new Adapter(args));
