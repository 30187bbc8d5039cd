// A publisher of KV events (format A) over the npm package zeromq, with replays. What is published is sent at once.

import { Publisher as Socket, Router } from "zeromq";

import { packed } from "./msgpack.mjs";
import { Float } from "./wire.mjs";

const END = Buffer.alloc(8, 0xff);

export class InvalidError extends Error {}
export class ClosedError extends Error {}

function number(value) {
  const made = Buffer.alloc(8);
  made.writeBigUInt64BE(BigInt(value));
  return made;
}

function hash({ i64, u64, bytes }) {
  return bytes === undefined ? BigInt(i64 ?? u64) : Buffer.from(bytes, "hex");
}

/** An event as engines write it: a map whose fields that are null are left out. */
function event({ type, unknown, ...fields }) {
  const made = { type };
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) continue;
    made[name] = name === "block_hashes" ? value.map(hash) : name === "parent_block_hash" ? hash(value) : value;
  }
  return made;
}

function payload({ ts, events, data_parallel_rank: rank }) {
  const whole = { ts: ts instanceof Float ? ts : new Float(ts), events: events.map(event) };
  return packed(rank === null ? whole : { ...whole, data_parallel_rank: rank });
}

export class Publisher {
  #topic;
  #next = 0;
  #sent = 0;
  #kept = [];
  #most;
  #socket = new Socket({ sendHighWaterMark: 100_000 });
  #router = null;
  #isClosed = false;

  /** Binds. Port 0 takes a free one. */
  static async bind({ endpoint, topic, format, replay_endpoint: replayEndpoint, replay_batches: most }) {
    if (!/^\w+:\/\//.test(endpoint) || format !== "A") throw new InvalidError(`${endpoint} or format ${format}`);
    const made = new Publisher();
    made.#topic = Buffer.from(topic);
    made.#most = most ?? 0;
    try {
      await made.#socket.bind(endpoint.replace(/:0$/, ":*"));
      if (replayEndpoint !== undefined) {
        made.#router = new Router({ sendHighWaterMark: 0, mandatory: false, linger: 0 });
        await made.#router.bind(replayEndpoint.replace(/:0$/, ":*"));
        made.#serve();
      }
    } catch (error) {
      made.#socket.close();
      made.#router?.close();
      throw error;
    }
    return made;
  }

  get endpoint() {
    return this.#socket.lastEndpoint;
  }

  get replayEndpoint() {
    return this.#router.lastEndpoint;
  }

  /** The number of the batch; it is taken before anything can fail. */
  async publish(batch) {
    this.#mustBeOpen();
    const taken = this.#next++;
    let bytes;
    try {
      bytes = payload(batch);
    } catch (error) {
      throw new InvalidError(error.message);
    }
    await this.#socket.send([this.#topic, number(taken), bytes]);
    this.#sent += 1;
    if (this.#router !== null) {
      this.#kept.push([taken, bytes]);
      if (this.#kept.length > this.#most) this.#kept.shift();
    }
    return taken;
  }

  flush() {
    this.#mustBeOpen();
    return true;
  }

  stats() {
    return { accepted: this.#sent, sent: this.#sent, refused: this.#next - this.#sent, dropped: 0, queued: 0 };
  }

  close(lingerMs) {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.linger = lingerMs;
    this.#socket.close();
    this.#router?.close();
  }

  async #serve() {
    try {
      for await (const [identity, ...request] of this.#router) {
        if (request.length !== 2 || request[0].length !== 0 || request[1].length !== 8) continue;
        const start = request[1].readBigUInt64BE();
        const found = this.#kept.filter(([taken]) => BigInt(taken) >= start);
        for (const [taken, bytes] of found) await this.#router.send([identity, "", this.#topic, number(taken), bytes]);
        await this.#router.send([identity, "", this.#topic, END, ""]);
      }
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
  }

  #mustBeOpen() {
    if (this.#isClosed) throw new ClosedError("the publisher is closed");
  }
}
