import t from "tap";
import { createCounter, createGauge, createHistogram } from "#daemon/metrics/instruments.js";

const description = { name: "m", help: "What it says." };

t.test("a counter counts each set of labels by itself, known ones from 0", async (t) => {
  const counter = createCounter(description, [{ result: "ok" }, { result: "bad" }]);
  counter.add({ result: "bad" });
  counter.add({ result: "bad" });
  counter.add({ result: "new" });
  t.equal(
    counter.render(),
    [
      "# HELP m What it says.",
      "# TYPE m counter",
      'm{result="ok"} 0',
      'm{result="bad"} 2',
      'm{result="new"} 1',
      "",
    ].join("\n"),
  );
});

t.test("a gauge is read at each look, and may have no value", async (t) => {
  let value: number | undefined = 3;
  const gauge = createGauge(description, () => (value === undefined ? [] : [[{}, value]]));
  t.match(gauge.render(), /^m 3$/m);
  value = undefined;
  t.equal(gauge.render(), "# HELP m What it says.\n# TYPE m gauge\n");
});

t.test("a histogram's buckets include the smaller ones, and the last all of them", async (t) => {
  const histogram = createHistogram(description, [1, 2]);
  for (const value of [0.5, 1, 1.5, 7]) histogram.observe({ method: "x" }, value);
  t.equal(
    histogram.render(),
    [
      "# HELP m What it says.",
      "# TYPE m histogram",
      'm_bucket{method="x",le="1"} 2',
      'm_bucket{method="x",le="2"} 3',
      'm_bucket{method="x",le="+Inf"} 4',
      'm_sum{method="x"} 10',
      'm_count{method="x"} 4',
      "",
    ].join("\n"),
  );
});

t.test("a histogram without labels has le alone", async (t) => {
  const histogram = createHistogram(description, [1]);
  histogram.observe({}, 1);
  t.match(histogram.render(), /^m_bucket\{le="1"\} 1$/m);
  t.match(histogram.render(), /^m_count 1$/m);
});

t.test("a label's quotes, backslashes and line ends are escaped", async (t) => {
  const gauge = createGauge(description, () => [[{ version: 'a"b\\c\nd' }, 1]]);
  t.ok(gauge.render().endsWith('m{version="a\\"b\\\\c\\nd"} 1\n'));
});
