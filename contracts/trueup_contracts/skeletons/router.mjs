// What `pytest --contracts` starts: our router, called as the suite `router` calls it.
// Lengths are in tokens, targets in milliseconds, pools are numbered from 0.

import { serve } from "./wire.mjs";

class Router {
  constructor(config) {
    // Make your router here. A configuration that is wrong is refused: import Refusal from wire.mjs and throw new Refusal("why").
    throw new Error("make the router from its configuration");
  }

  select_prefill({ isl, ttft_target_ms, priority }) {
    throw new Error("the prefill pool for an input of `isl` tokens");
  }

  select_decode({ context_length, itl_target_ms, priority }) {
    throw new Error("the decode pool for a context of this length");
  }
}

// What ours has besides the grid itself; `trueup contracts list` explains each name.
const capabilities = ["disagg"];

serve({ name: "our router", version: "1.0", capabilities }, ({ config }) => new Router(config));
