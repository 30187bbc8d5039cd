// What `pytest --contracts` starts: the index of this folder, called as the suite `kv-index` calls it.

import { KvIndex } from "./index.mjs";
import { serve } from "./wire.mjs";

const capabilities = ["early_exit", "nodes", "stats", "block_size", "opaque_hashes"];

serve({ name: "node-kv-index", version: "1.0", capabilities }, ({ block_size }) => new KvIndex(block_size));
