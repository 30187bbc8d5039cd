// What pytest starts: the exporter behind the wire.

import { Exporter } from "./exporter.mjs";
import { serve } from "./wire.mjs";

const capabilities = ["traffic", "faults", "shutdown"];

serve({ name: "node-exporter", version: "1.0", capabilities }, () => new Exporter());
