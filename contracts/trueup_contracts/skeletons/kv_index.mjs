// What `pytest --contracts` starts: our index, called as the suite `kv-index` calls it.
// Hashes and worker ids come and go as BigInt, ranks and depths as Number.

import { serve } from "./wire.mjs";

class KvIndex {
  constructor(block_size) {
    // Make your index here. A block size that is none is refused: import Refusal from wire.mjs and throw new Refusal("why").
    throw new Error("make the index for blocks of this many tokens");
  }

  apply({ event }) {
    // {worker_id, event: {event_id, dp_rank, data}}, data: {stored: {parent_hash, blocks: [{block_hash, tokens_hash}]}},
    // {removed: {block_hashes}} or "cleared". What is malformed, or has an unknown parent, is refused whole.
    throw new Error("apply the event");
  }

  find_matches({ local_hashes }) {
    throw new Error("[{worker_id, dp_rank, depth}]: how many leading blocks each holds; without those of depth 0");
  }

  remove_worker({ worker_id }) {
    throw new Error("take all ranks of the worker out");
  }

  tracked_blocks() {
    throw new Error("the number of pairs of worker and block that are held");
  }
}

// What ours has besides; `trueup contracts list` explains each name.
const capabilities = ["opaque_hashes"];

serve({ name: "our index", version: "1.0", capabilities }, ({ block_size }) => new KvIndex(block_size));
