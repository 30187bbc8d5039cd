// Which worker gets a request: the lowest cost, or a draw by a softmax of the costs. What is under way on a worker is
// a map of its requests, and a map of their blocks with the number of requests that have each.

import { bits, count, list, number, object, refuse, worker } from "./checking.mjs";
import { generator } from "./random.mjs";

const IDLE = { tokens: 0, prefilling: 0, blocks: new Map(), requests: new Set() };

export class Selector {
  #blockSize;
  #weight;
  #temperature;
  #random;
  #requests = new Map();
  #loads = new Map();

  constructor({ block_size, overlap_weight, temperature, seed }) {
    this.#blockSize = count("block_size", block_size, 1);
    this.#weight = number("overlap_weight", overlap_weight);
    this.#temperature = number("temperature", temperature);
    if (typeof seed !== "bigint" && !Number.isSafeInteger(seed)) refuse("seed: an integer is due");
    this.#random = generator(BigInt(seed));
  }

  select({ request, overlaps, candidates }) {
    const { id, isl, hashes, pinned } = this.#read(object("request", request));
    const depths = new Map();
    for (const one of list("overlaps", overlaps)) {
      const { worker_id, dp_rank, depth } = object("an overlap", one);
      depths.set(worker("an overlap", [worker_id, dp_rank]).key, number("depth", depth));
    }
    const read = list("candidates", candidates).map((one) => worker("candidates", one));
    const workers = new Map(read.map((one) => [one.key, one]));
    if (workers.size === 0) refuse("there is no candidate");
    if (pinned !== null && !workers.has(pinned.key)) refuse("the request is pinned to what is no candidate");
    if (this.#requests.has(id)) refuse(`a request with the id ${id} is under way`);
    const left = (key) => Math.max(0, isl - (depths.get(key) ?? 0) * this.#blockSize);
    const cost = (key) => this.#cost(key, left(key), hashes);
    const chosen = pinned ?? this.#choose([...workers.values()], cost);
    this.#book(id, { key: chosen.key, tokens: left(chosen.key), hashes, prefilling: true });
    return [chosen.id, chosen.rank];
  }

  prefill_done({ id }) {
    const booked = this.#requests.get(id);
    if (booked !== undefined) this.#prefilled(booked);
    return null;
  }

  free({ id }) {
    const booked = this.#requests.get(id);
    if (booked === undefined) return null;
    this.#requests.delete(id);
    this.#prefilled(booked);
    const load = this.#loads.get(booked.key);
    load.requests.delete(id);
    for (const hash of booked.hashes) {
      const others = load.blocks.get(hash) - 1;
      if (others > 0) load.blocks.set(hash, others);
      else load.blocks.delete(hash);
    }
    if (load.requests.size === 0) this.#loads.delete(booked.key);
    return null;
  }

  active({ worker: asked }) {
    const { tokens, blocks } = this.#loads.get(worker("worker", asked).key) ?? IDLE;
    return { prefill_tokens: tokens, decode_blocks: blocks.size };
  }

  remove_worker({ worker_id }) {
    const prefix = `${bits("worker_id", worker_id, 64)}/`;
    for (const [key, load] of [...this.#loads]) {
      if (!key.startsWith(prefix)) continue;
      for (const id of load.requests) this.#requests.delete(id);
      this.#loads.delete(key);
    }
    return null;
  }

  #read({ id, isl, seq_hashes, pinned }) {
    if (typeof id !== "string") refuse("id: a text is due");
    const hashes = new Set(list("seq_hashes", seq_hashes).map((hash) => bits("a hash", hash, 64)));
    return { id, isl: count("isl", isl), hashes, pinned: pinned == null ? null : worker("pinned", pinned) };
  }

  #cost(key, left, hashes) {
    const { tokens, blocks } = this.#loads.get(key) ?? IDLE;
    let added = 0;
    for (const hash of hashes) if (!blocks.has(hash)) added += 1;
    return (this.#weight * (tokens + left)) / this.#blockSize + blocks.size + added;
  }

  #choose(workers, cost) {
    workers.sort((one, other) => (one.id !== other.id ? (one.id < other.id ? -1 : 1) : one.rank - other.rank));
    const costs = workers.map(({ key }) => cost(key));
    const low = Math.min(...costs);
    const spread = Math.max(...costs) - low;
    const weights = costs.map((one) => {
      if (this.#temperature === 0 || spread === 0) return one === low ? 1 : 0;
      return Math.exp(-(one - low) / spread / this.#temperature);
    });
    let point = this.#random() * weights.reduce((sum, weight) => sum + weight, 0);
    const number = weights.findIndex((weight) => (point -= weight) < 0);
    return workers[number >= 0 ? number : weights.findLastIndex((weight) => weight > 0)];
  }

  #book(id, booked) {
    if (!this.#loads.has(booked.key)) {
      this.#loads.set(booked.key, { tokens: 0, prefilling: 0, blocks: new Map(), requests: new Set() });
    }
    const load = this.#loads.get(booked.key);
    this.#requests.set(id, booked);
    load.requests.add(id);
    load.tokens += booked.tokens;
    load.prefilling += 1;
    for (const hash of booked.hashes) load.blocks.set(hash, (load.blocks.get(hash) ?? 0) + 1);
  }

  #prefilled(booked) {
    if (!booked.prefilling) return;
    booked.prefilling = false;
    const load = this.#loads.get(booked.key);
    load.prefilling -= 1;
    load.tokens = load.prefilling === 0 ? 0 : load.tokens - booked.tokens; // fractions of overlaps round
  }
}
