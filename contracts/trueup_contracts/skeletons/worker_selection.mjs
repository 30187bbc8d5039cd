// What `pytest --contracts` starts: our worker selection, called as the suite `worker-selection` calls it.
// Lengths are tokens; a worker is [id, data-parallel rank]. Ids and hashes have 64 bits: they come and go as BigInt.

import { serve } from "./wire.mjs";

class WorkerSelection {
  constructor({ block_size, overlap_weight, temperature, seed }) {
    // Make your selector here; 1.0 comes as Float. Settings that make no sense are refused: import Refusal from
    // wire.mjs and throw new Refusal("why").
    throw new Error("make the selector");
  }

  /** request: {id, isl, seq_hashes, pinned: a worker or null}; overlaps: [{worker_id, dp_rank, depth: blocks}] */
  select({ request, overlaps, candidates }) {
    throw new Error("the worker that gets the request, which is booked there");
  }

  prefill_done({ id }) {
    throw new Error("the request's prompt has been computed");
  }

  free({ id }) {
    throw new Error("the request has ended, or its client has gone; no error where it is not under way");
  }

  active({ worker }) {
    throw new Error("{prefill_tokens: tokens still to be computed, decode_blocks: distinct blocks}");
  }
}

// What ours has besides; `trueup contracts list` explains each name.
const capabilities = [];

serve({ name: "our selection", version: "1.0", capabilities }, (settings) => new WorkerSelection(settings));
