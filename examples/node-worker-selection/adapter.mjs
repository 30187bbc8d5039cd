// What `pytest --contracts` starts: the selector behind the wire.

import { Selector } from "./selector.mjs";
import { serve } from "./wire.mjs";

const capabilities = ["temperature", "weighted_overlaps", "remove_worker"];

serve({ name: "node-worker-selection", version: "1.0", capabilities }, (settings) => new Selector(settings));
