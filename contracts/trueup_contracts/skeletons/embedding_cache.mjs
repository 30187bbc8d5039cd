// What `pytest --contracts` starts: our cache, called as the suite `embedding-cache` calls it.
// A tensor comes as {fill, dtype, shape}: byte i of its data is byte i mod 8 (little-endian) of the
// floor(i/8)+1-th SplitMix64 output from the state `fill`. It is answered as {dtype, shape, sha256 of the bytes}.

import { serve } from "./wire.mjs";

class EmbeddingCache {
  constructor(capacity_bytes) {
    // Make your cache here. A capacity that is none is refused: import Refusal from wire.mjs and throw new Refusal("why").
    throw new Error("make the cache of this capacity");
  }

  set({ key, tensor }) {
    throw new Error("store; false for lack of room");
  }

  get({ key }) {
    throw new Error("{dtype, shape, sha256}, or null");
  }

  contains({ key }) {
    throw new Error("whether there is an entry; this must not make it recent");
  }

  len() {
    throw new Error("the number of entries");
  }

  current_bytes() {
    throw new Error("the bytes of the entries");
  }

  capacity_bytes() {
    throw new Error("the capacity");
  }
}

// What ours has besides; `trueup contracts list` explains each name.
const capabilities = [];

serve({ name: "our cache", version: "1.0", capabilities }, ({ capacity_bytes }) => new EmbeddingCache(capacity_bytes));
