// Families of metrics, and how each is written in the two formats.

const escapedHelp = (text) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
const escapedLabel = (text) => escapedHelp(text).replaceAll('"', '\\"');

/** A number as Prometheus writes it. */
function written(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function labelled(labels) {
  const told = Object.entries(labels).map(([name, value]) => `${name}="${escapedLabel(value)}"`);
  return told.length > 0 ? `{${told.join(",")}}` : "";
}

class Family {
  /** `name` is without a counter's `_total`. */
  constructor(name, help, labels) {
    Object.assign(this, { name, help, labels });
  }

  /** Its lines. The names of the samples are the same in both formats; TYPE and HELP name a counter without `_total` in one. */
  lines(isOpenMetrics) {
    const name = isOpenMetrics || this.type !== "counter" ? this.name : `${this.name}_total`;
    return [
      `# HELP ${name} ${isOpenMetrics ? escapedLabel(this.help) : escapedHelp(this.help)}`,
      `# TYPE ${name} ${this.type}`,
      ...this.samples().map(([suffix, labels, value]) => `${this.name}${suffix}${labelled(labels)} ${written(value)}`),
    ];
  }
}

export class Counter extends Family {
  type = "counter";
  value = 0;

  add(count = 1) {
    if (!(count >= 0)) throw new RangeError(`a counter cannot rise by ${count}`);
    this.value += count;
  }

  samples() {
    return [["_total", this.labels, this.value]];
  }
}

export class Gauge extends Family {
  type = "gauge";
  value = 0;

  samples() {
    return [["", this.labels, this.value]];
  }
}

export class Histogram extends Family {
  type = "histogram";
  sum = 0;

  /** `bounds` ascend; `+Inf` comes by itself. */
  constructor(name, help, labels, bounds) {
    super(name, help, labels);
    this.bounds = [...bounds, Infinity];
    this.counts = this.bounds.map(() => 0);
  }

  observe(value) {
    this.counts[this.bounds.findIndex((bound) => value <= bound)] += 1;
    this.sum += value;
  }

  samples() {
    let total = 0;
    const buckets = this.bounds.map((bound, place) => {
      total += this.counts[place];
      return ["_bucket", { ...this.labels, le: bound === Infinity ? "+Inf" : written(bound) }, total];
    });
    return [...buckets, ["_sum", this.labels, this.sum], ["_count", this.labels, total]];
  }
}
