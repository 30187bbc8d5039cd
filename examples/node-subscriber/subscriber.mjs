// A subscriber of KV events (format A) over the npm package zeromq. One pump per endpoint fills a queue; recv waits on it.

import { Subscriber as Socket } from "zeromq";

const COUNTS = ["received", "malformed", "gaps", "restarts", "duplicates", "uncertain"];

export class InvalidError extends Error {}
export class ClosedError extends Error {}

export class Subscriber {
  #timeoutMs;
  #topic;
  #sockets = [];
  #queue = [];
  #waiting = null; // wakes the recv that waits
  #isClosed = false;
  #counts = Object.fromEntries(COUNTS.map((name) => [name, 0]));

  constructor({ endpoints, topic, recv_timeout_ms: timeoutMs }) {
    if (!Number.isInteger(timeoutMs) || timeoutMs < 0 || timeoutMs >= 2 ** 31) {
      throw new InvalidError(`recv_timeout_ms ${timeoutMs}: whole milliseconds from 0 to 2^31-1 are due`);
    }
    this.#timeoutMs = timeoutMs;
    this.#topic = Buffer.from(topic);
    for (const endpoint of endpoints) {
      const socket = new Socket({ linger: 0 });
      socket.subscribe(this.#topic);
      socket.connect(endpoint);
      this.#sockets.push(socket);
      this.#pump(socket, endpoint);
    }
  }

  async #pump(socket, endpoint) {
    let last = null;
    try {
      for await (const [topic, ...frames] of socket) {
        if (!topic.equals(this.#topic)) continue; // ZeroMQ has compared the prefix only
        if (frames.length !== 2 || frames[0].length !== 8) {
          this.#counts.malformed += 1;
          continue;
        }
        const sequence = frames[0].readBigUInt64BE();
        if (last !== null && sequence !== last + 1n) this.#counts[sequence > last ? "gaps" : "restarts"] += 1;
        last = sequence;
        this.#queue.push({ endpoint, topic: topic.toString(), sequence, publisher_id: null, payload: frames[1] });
        this.#waiting?.();
      }
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
  }

  /** The next message, or null when none came within the timeout. */
  async recv() {
    if (this.#isClosed) throw new ClosedError("the subscriber is closed");
    if (this.#queue.length === 0) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, this.#timeoutMs);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#waiting = null;
    }
    if (this.#isClosed || this.#queue.length === 0) return null;
    this.#counts.received += 1;
    return this.#queue.shift();
  }

  stats() {
    return this.#counts;
  }

  close() {
    this.#isClosed = true;
    this.#waiting?.();
    for (const socket of this.#sockets) socket.close();
    this.#sockets = [];
  }
}
