// A KV index: a tree of blocks by their local hashes, and for each worker a table from its sequence hashes to the nodes.
// Hashes and worker ids are BigInts throughout: 2^53 and 2^53 + 1 are one Number.

import { checkedBlockSize, checkedEvent, checkedHashes } from "./checks.mjs";
import { Refusal } from "./wire.mjs";

class Node {
  constructor(local, parent) {
    this.local = local;
    this.parent = parent;
    this.children = new Map();
    this.names = new Map(); // worker's key to the name that it gives this block
  }
}

export class KvIndex {
  #root = new Node(null, null);
  #workers = new Map(); // key to {worker_id, dp_rank, blocks: Map of name to node}
  #unknownParents = 0;
  #unknownRemovals = 0;

  constructor(block_size) {
    this.blockSize = checkedBlockSize(block_size);
  }

  apply({ event }) {
    const { worker_id, event: inner } = checkedEvent(event);
    const told = inner.block_size ?? this.blockSize;
    if (told !== this.blockSize) {
      throw new Refusal(`the event's blocks have ${told} tokens, this index's have ${this.blockSize}`);
    }
    const key = `${worker_id}:${inner.dp_rank}`;
    if (inner.data === "cleared") this.#clear(key);
    else if ("removed" in inner.data) this.#remove(key, inner.data.removed.block_hashes);
    else this.#store(key, { worker_id, dp_rank: inner.dp_rank }, inner.data.stored);
  }

  #store(key, worker, { parent_hash, blocks }) {
    const known = this.#workers.get(key)?.blocks;
    let node = parent_hash === null ? this.#root : known?.get(parent_hash);
    if (node === undefined) {
      this.#unknownParents += 1;
      throw new Refusal(`the parent ${parent_hash} is not held by ${key}`);
    }
    if (known === undefined) this.#workers.set(key, { ...worker, blocks: new Map() });
    const held = this.#workers.get(key).blocks;
    for (const { block_hash, tokens_hash } of blocks) {
      const old = held.get(block_hash);
      let child = node.children.get(tokens_hash);
      if (old !== undefined && old !== child) return; // an ancestor, which stands somewhere else already
      if (child === undefined) {
        child = new Node(tokens_hash, node);
        node.children.set(tokens_hash, child);
      }
      child.names.set(key, block_hash);
      held.set(block_hash, child);
      node = child;
    }
  }

  #remove(key, names) {
    for (const name of names) {
      const node = this.#workers.get(key)?.blocks.get(name);
      if (node === undefined) this.#unknownRemovals += 1;
      else this.#drop(key, name, node);
    }
  }

  #drop(key, name, node) {
    const { blocks } = this.#workers.get(key);
    blocks.delete(name);
    if (blocks.size === 0) this.#workers.delete(key);
    node.names.delete(key);
    // A loop, not a recursion: a prompt of 128k tokens is 8,192 blocks deep.
    while (node.parent !== null && node.names.size === 0 && node.children.size === 0) {
      node.parent.children.delete(node.local);
      node = node.parent;
    }
  }

  #clear(key) {
    for (const [name, node] of [...(this.#workers.get(key)?.blocks ?? [])]) this.#drop(key, name, node);
  }

  remove_worker({ worker_id }) {
    for (const [key, worker] of [...this.#workers]) if (worker.worker_id === worker_id) this.#clear(key);
  }

  find_matches({ local_hashes, early_exit = false }) {
    const depths = new Map();
    let node = this.#root;
    let depth = 0;
    for (const local of checkedHashes(local_hashes)) {
      node = node.children.get(local);
      if (node === undefined) break;
      let alive = 0;
      for (const key of node.names.keys()) {
        if ((depths.get(key) ?? 0) !== depth) continue; // it lacks a block before this one
        depths.set(key, depth + 1);
        alive += 1;
      }
      depth += 1;
      if (alive === 0 || (early_exit && alive === 1)) break;
    }
    return [...depths].map(([key, reached]) => {
      const { worker_id, dp_rank } = this.#workers.get(key);
      return { worker_id, dp_rank, depth: reached };
    });
  }

  tracked_blocks() {
    let count = 0;
    for (const { blocks } of this.#workers.values()) count += blocks.size;
    return count;
  }

  nodes() {
    let count = 0;
    for (const left = [this.#root]; left.length > 0; count += 1) left.push(...left.pop().children.values());
    return count;
  }

  stats() {
    return { unknown_parents: this.#unknownParents, unknown_removals: this.#unknownRemovals };
  }
}
