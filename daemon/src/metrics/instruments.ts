/**
 * What a metric is, and how it is written: the Prometheus text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). `prom-client` does the same, at the price of OpenTelemetry.
 */

/** Name, help and value of one metric, as text. */
export interface Instrument {
  readonly name: string;
  render(): string;
}

/** Values of a metric's labels, in words of ours: no caller can add to them. */
export type Labels = Readonly<Record<string, string>>;

export interface Description {
  /** With its unit, and `_total` behind a counter's. */
  readonly name: string;
  readonly help: string;
}

export interface Counter extends Instrument {
  add(labels: Labels): void;
}

export interface Histogram extends Instrument {
  observe(labels: Labels, value: number): void;
}

/** A count that only grows. `known`: labels that are shown before anything was counted, so that a first one is seen as a change. */
export function createCounter(description: Description, known: readonly Labels[] = []): Counter {
  const counts = new Map(known.map((labels) => [keyOf(labels), { labels, count: 0 }]));
  const { name } = description;
  return {
    name,
    add(labels) {
      const entry = counts.get(keyOf(labels));
      if (entry) entry.count++;
      else counts.set(keyOf(labels), { labels, count: 1 });
    },
    render() {
      const lines = [...counts.values()].map(({ labels, count }) => sample(name)([written(labels), count]));
      return block(description, "counter", lines);
    },
  };
}

/** A value that is looked up whenever it is asked for. */
export function createGauge(
  description: Description,
  read: () => readonly (readonly [Labels, number])[],
): Instrument {
  const lines = (): string[] =>
    read().map(([labels, value]) => sample(description.name)([written(labels), value]));
  return { name: description.name, render: () => block(description, "gauge", lines()) };
}

/** Observations counted by size. `bounds`: the upper end of each bucket but the last, ascending. */
export function createHistogram(description: Description, bounds: readonly number[]): Histogram {
  const series = new Map<string, { readonly labels: Labels; readonly buckets: number[]; sum: number }>();
  const { name } = description;
  return {
    name,
    observe(labels, value) {
      const key = keyOf(labels);
      const entry = series.get(key) ?? { labels, buckets: Array(bounds.length + 1).fill(0), sum: 0 };
      const found = bounds.findIndex((bound) => value <= bound);
      const index = found === -1 ? bounds.length : found;
      entry.buckets[index] = (entry.buckets[index] ?? 0) + 1;
      entry.sum += value;
      series.set(key, entry);
    },
    render() {
      const lines = [...series.values()].flatMap(({ labels: values, buckets, sum }) => {
        const labels = written(values);
        let count = 0;
        const cumulated = buckets.map((inBucket, index) => {
          count += inBucket;
          const le = `le="${bounds[index] ?? "+Inf"}"`;
          return sample(`${name}_bucket`)([labels === "" ? le : `${labels},${le}`, count]);
        });
        return [...cumulated, sample(`${name}_sum`)([labels, sum]), sample(`${name}_count`)([labels, count])];
      });
      return block(description, "histogram", lines);
    },
  };
}

function block({ name, help }: Description, type: string, lines: readonly string[]): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}

function sample(name: string): (entry: readonly [labels: string, value: number]) => string {
  return ([labels, value]) => (labels === "" ? `${name} ${value}` : `${name}{${labels}} ${value}`);
}

/** An instrument gets its labels under the same names in the same order, always. */
function keyOf(labels: Labels): string {
  return Object.values(labels).join(" ");
}

function written(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`)
    .join(",");
}
