// What `pytest --contracts` starts: the router behind the wire.

import { parse } from "./json.mjs";
import { Router } from "./router.mjs";
import { Refusal, serve } from "./wire.mjs";

const capabilities = [
  "disagg",
  "agg",
  "agg_isl",
  "priority_overrides",
  "priority_retry",
  "deprecated_names",
  "strict_types",
  "config_text",
  "defaults",
];

serve({ name: "node-router", version: "1.0", capabilities }, ({ config, text, defaults }) => {
  if (text === undefined) return new Router(config, defaults);
  try {
    config = parse(text);
  } catch (error) {
    throw new Refusal(`the text is no configuration: ${error.message}`);
  }
  return new Router(config, defaults);
});
